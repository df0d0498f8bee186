import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { main } from '../src/cli/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'missing-u-profile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('missing-u profile prints where the time goes, and writes a trace', async () => {
  const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const trace = join(folder, 'trace.json');
  const status = await main(`profile --size 16 --engine wasm --trace ${trace}`.split(' '));
  const output = printed.mock.calls.map(([text]) => String(text)).join('');
  printed.mockRestore();
  expect(status).toBe(0);
  expect(output).toMatch(/cunet, 1 image\(s\) of 16 x 16, eager/);
  expect(output).toMatch(/\| FusedConv2D \| \d+ \| [\d.]+ \| [\d.]+ % \|/);
  const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8')) as { traceEvents: { ph: string; dur: number }[] };
  expect(traceEvents.length).toBeGreaterThan(500);
  expect(traceEvents.every(({ ph, dur }) => ph === 'X' && dur >= 0)).toBe(true);
});
