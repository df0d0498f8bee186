import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../bin/missing-u.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'missing-u-paper-'));
afterAll(() => rmSync(folder, { recursive: true }));

function paper(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const words = [bin, 'paper', ...args, '--engine', 'wasm', '--size', '32', '--out', folder];
    const child = execFile(process.execPath, words, (_error, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr }),
    );
  });
}

interface Costs {
  model: string;
  published: { parameters: number };
  ours: { parameters: number; operations: number };
  callMs: number;
  peakBytes: number;
}

it('table5 and fig6 give the counts of the paper, of its public code, and ours', { timeout: 240_000 }, async () => {
  const { status, stdout, stderr } = await paper('table5', 'fig6', '--quick', '--json');
  expect(status, stderr).toBe(0);
  const { table5, fig6 } = JSON.parse(stdout) as Record<'table5' | 'fig6', Costs[]>;
  // The first author's lab book (Figure 6), and with attention at five places.
  expect(fig6.map(({ published }) => published.parameters)).toEqual([
    35_710_339, 8_811_875, 8_548_707, 6_138_083, 5_874_915,
  ]);
  expect(table5[1]!.published.parameters).toBe(9_140_835);
  expect(table5.map(({ ours }) => ours.parameters).slice(0, 3)).toEqual([35_710_339, 9_092_451, 8_500_323]);
  for (const { callMs, peakBytes, ours } of table5) {
    expect(callMs).toBeGreaterThan(0);
    // At the least a picture of the first level's 32 channels.
    expect(peakBytes).toBeGreaterThan(32 * 32 * 32 * 4);
    expect(ours.operations).toBeGreaterThan(0);
  }
  expect(readdirSync(folder).sort()).toEqual([
    ...['fig6.csv', 'fig6.json', 'fig6.png', 'fig6.svg', 'report.html'],
    ...['table5.csv', 'table5.json', 'table5.png', 'table5.svg'],
  ]);
  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  expect(page).toContain('Table 5: what the networks cost');
  expect(page).toContain('<svg');
});

it('names the tables that there are', async () => {
  const { status, stderr } = await paper('table55');
  expect(status).toBe(2);
  expect(stderr).toContain("Did you mean 'table5'?");
  expect(stderr).toContain('DIFFUSION_UNKNOWN_EXPERIMENT');
});
