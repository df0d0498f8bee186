import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

/** Bytes, minified and gzipped, of what a page takes from the packages; the runtime and TensorFlow.js are not in them. */
async function weigh(contents: string): Promise<{ bytes: number; text: string }> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(import.meta.dirname, '..'), loader: 'ts' },
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    conditions: ['@missing-u/source'],
    external: ['onnxruntime-web', 'onnxruntime-web/wasm', '@tensorflow/tfjs-core'],
    write: false,
    logLevel: 'error',
  });
  const [file] = outputFiles;
  return { bytes: gzipSync(file!.contents, { level: 9 }).length, text: file!.text };
}

const runner = "export { OnnxDenoiser } from '@missing-u/onnx';";

// Kilobytes that docs/onnx.md tells, and a little.
it.each([
  ['the runner', '', 7.2],
  ['with a scheduler', "export { DDIMScheduler } from '@missing-u/schedulers';", 15],
  [
    'with three',
    "export { DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler } from '@missing-u/schedulers';",
    19.3,
  ],
  ['with all by name', "export { fromConfig } from '@missing-u/schedulers';", 33],
])('a page that samples is small: %s', async (_, schedulers, kilobytes) => {
  const { bytes, text } = await weigh(`${runner} ${schedulers}`);
  expect(bytes / 1000).toBeLessThan(kilobytes);
  // What exports is not in it.
  expect(text).not.toContain('ONNX_UNSUPPORTED_KERNEL');
  expect(text).not.toContain('node:');
});
