import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';

const here = join(import.meta.dirname, '..');
// A console that is told to use colours writes them into numbers too.
const env = { ...process.env, FORCE_COLOR: '0' };

it('the example of the README runs, and prints what its comments say', { timeout: 60_000 }, () => {
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(here, 'README.md'), 'utf8'))!;
  const file = join(here, 'test/readme-example.tmp.ts');
  // The engine is not among this package's own packages.
  const without = example!.replace(/^import .*'@missing-u\/engine';\n/m, '').replace(/^await useEngine\(\);\n/m, '');
  writeFileSync(file, `import '@tensorflow/tfjs-backend-cpu';\n${without}`);
  try {
    const args = ['--import', 'tsx', '--conditions', '@missing-u/source', file];
    const output = execFileSync(process.execPath, args, {
      cwd: here,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(output).toMatch(/\[ 128, 32, 32, 1 \] \d\n128\n$/);
  } finally {
    rmSync(file);
  }
});

const built = join(here, 'dist/workers/decode.worker.js');
it.skipIf(!existsSync(built))(
  'the built package decodes in its workers, without TypeScript (needs a build)',
  { timeout: 60_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'datasets-packed-'));
    try {
      mkdirSync(join(folder, 'pictures'));
      const picture = await sharp({ create: { width: 9, height: 9, channels: 3, background: '#804020' } })
        .jpeg()
        .toBuffer();
      for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, 'pictures', `${name}.jpg`), picture);
      mkdirSync(join(folder, 'node_modules/@missing-u'), { recursive: true });
      symlinkSync(here, join(folder, 'node_modules/@missing-u/datasets'));
      const program = `import { imageFolder } from '@missing-u/datasets';
      const dataset = await imageFolder({ root: 'pictures', size: 4 });
      for await (const { images, indices } of dataset.batches({ batchSize: 2, workers: 2, as: 'array', dtype: 'uint8' }))
        console.log(indices.length, images.length);`;
      writeFileSync(join(folder, 'program.mjs'), program);
      const { stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], { cwd: folder, env, encoding: 'utf8' });
      expect({ stdout, stderr }).toEqual({ stdout: '2 96\n1 48\n', stderr: '' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
