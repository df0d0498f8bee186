import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runCommand } from './run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'missing-u-demo-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('demo refuses more steps than the chain has before it reads digits', { timeout: 60_000 }, async () => {
  const { status, stderr } = await runCommand('demo', '--steps', '2000', '--out', folder, '--engine', 'wasm');
  expect(status).toBe(2);
  expect(stderr).toMatch(/`steps` is 2000.*from 1 to 1000.*DIFFUSION_BAD_COUNT/);
});
