import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distinctNames } from '../src/cli/distinct-names.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'missing-u-names-'));
  for (const run of ['a/run', 'b/run', 'c/other']) mkdirSync(join(folder, run), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the names of models that are compared', () => {
  const at = (run: string) => join(folder, run);

  it('are those of their folders', () => {
    expect(distinctNames([`${at('a/run')}/`, at('c/other'), 'mnist-cunet', 'google/ddpm-cifar10-32'])).toEqual([
      ...['run', 'other'],
      ...['mnist-cunet', 'ddpm-cifar10-32'],
    ]);
  });

  it('are as much of their paths as tells those apart that share the last part', () => {
    expect(distinctNames([at('a/run'), at('b/run'), at('c/other')])).toEqual(['a/run', 'b/run', 'other']);
    expect(distinctNames(['one/ddpm', 'two/ddpm'])).toEqual(['one/ddpm', 'two/ddpm']);
  });

  it('cannot be found where one model is named twice', () => {
    const twice = () => distinctNames([at('a/run'), at('c/other'), join(at('c'), '../a/run')]);
    expect(twice).toThrow(expect.objectContaining({ code: 'DIFFUSION_DUPLICATE_NAME' }));
  });
});
