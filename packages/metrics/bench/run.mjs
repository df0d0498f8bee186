/**
 * Seconds per call here and in the reference, one after the other, and their ratio (above 1: faster than the reference).
 *
 *   node bench/run.mjs [--engine native] [frechet ssim inception lpips]
 *
 * The peers: scipy's sqrtm, scikit-image, torchvision's Inception, lpips; all on tools/reference/.venv. Builds first: pnpm build.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { useEngine } from '@missing-u/engine';
import { createGenerator } from '@missing-u/random';
import { loadWeights } from '@missing-u/weights';
import * as tf from '@tensorflow/tfjs-core';
import * as metrics from '../dist/index.js';

const { values, positionals } = parseArgs({
  options: { engine: { type: 'string', default: 'native' } },
  allowPositionals: true,
});
const python = fileURLToPath(new URL('../../../tools/reference/.venv/bin/python', import.meta.url));
const reference = fileURLToPath(new URL('../../../tools/reference/metrics/bench.py', import.meta.url));
const generator = createGenerator(0);
const engine = await useEngine(values.engine);

function best(times, call) {
  call();
  return Math.min(
    ...Array.from({ length: times }, () => {
      const start = performance.now();
      call();
      return (performance.now() - start) / 1000;
    }),
  );
}

const images = (count, side) =>
  tf.tensor4d(generator.fillUniform(new Float32Array(count * side * side * 3)), [count, side, side, 3]);
/** Random weights in torchvision's layout, written by the reference. */
async function weights(name) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const file = join(folder, `${name}.safetensors`);
  execFileSync(python, [reference, '--weights', name, file], { stdio: 'ignore' });
  return loadWeights(file).finally(() => rmSync(folder, { recursive: true }));
}

const benches = {
  frechet() {
    const moments = () => {
      const data = generator.fillNormal(new Float64Array(3000 * 2048));
      return new metrics.FeatureStatistics().update({ data, rows: 3000, columns: 2048 }).compute();
    };
    const [a, b] = [moments(), moments()];
    const start = performance.now();
    metrics.frechetDistance(a.mu, a.sigma, b.mu, b.sigma);
    return (performance.now() - start) / 1000;
  },
  ssim() {
    const image = () => ({
      data: generator.fillUniform(new Float64Array(256 * 256 * 3)),
      width: 256,
      height: 256,
      channels: 3,
    });
    const [a, b] = [image(), image()];
    for (let i = 0; i < 10; i++) metrics.structuralSimilarity(a, b, { dataRange: 1 });
    return best(10, () => metrics.structuralSimilarity(a, b, { dataRange: 1 }));
  },
  async inception() {
    const network = new metrics.InceptionV3(await weights('inception'), { layout: 'torchvision' });
    const batch = images(8, 299);
    return best(2, () => tf.tidy(() => void network.features(batch).dataSync())) / 8;
  },
  async lpips() {
    const [trunk, heads] = [await weights('squeeze'), await weights('heads')];
    const lpips = new metrics.LPIPS({ net: 'squeeze', trunk, heads });
    const [a, b] = [images(8, 128), images(8, 128)];
    const call = () => tf.tidy(() => void lpips.distance(a, b, { normalize: true }).dataSync());
    return best(5, call) / 8;
  },
};

console.log(`engine: ${engine.name} (${engine.device})`);
for (const name of positionals.length > 0 ? positionals : Object.keys(benches)) {
  const ours = await benches[name]();
  const theirs = JSON.parse(
    execFileSync(python, [reference, name], { stdio: ['ignore', 'pipe', 'ignore'] }).toString(),
  )[name];
  console.log(
    `${name.padEnd(10)} ours ${ours.toFixed(4)} s   reference ${theirs.toFixed(4)} s   ratio ${(theirs / ours).toFixed(2)}`,
  );
}
