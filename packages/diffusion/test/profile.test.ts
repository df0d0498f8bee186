import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

it.each([
  ['--trace', (file: string) => join(file, 'trace.json'), /Cannot write .*DIFFUSION_OUTPUT_NOT_WRITABLE/s],
  ['--model', () => 'cunets', /'cunets'.*cunet-a5.*DIFFUSION_UNKNOWN_PRESET/s],
  ['--batch', () => '0', /batch.*1 or more/s],
])('missing-u profile refuses a bad %s before it computes', async (flag, value, message) => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const printed = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const status = await main(['profile', '--size', '16', '--engine', 'wasm', flag, value(file)]);
  const output = printed.mock.calls.map(([text]) => String(text)).join('');
  printed.mockRestore();
  expect(status).toBe(2);
  expect(output).toMatch(message);
});
