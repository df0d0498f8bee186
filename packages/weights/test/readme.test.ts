import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examplesOf, runExample } from '@missing-u/test-utils';
import { expect, it } from 'vitest';
import * as weights from '../src/index.ts';

it('runs the example of the README', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'readme-'));
  const [example] = examplesOf(new URL('../README.md', import.meta.url));
  const logged = await runExample(
    example!.replaceAll("'model.safetensors'", JSON.stringify(join(folder, 'model.safetensors'))),
    {
      '@missing-u/weights': weights,
    },
  );
  expect(logged).toEqual([[[1, 1, 1, 2], Float32Array.of(1, 2)]]);
  await rm(folder, { recursive: true });
});
