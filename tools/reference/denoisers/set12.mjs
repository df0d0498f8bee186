/**
 * BM3D on Set12 with unclipped Gaussian noise of sigma 15, 25 and 50, three seeds: PSNR image by image, as the table of
 * docs/denoisers.md. Usage: node set12.mjs <folder with 01.png .. 12.png>. Needs built packages.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeImage } from '../../../packages/datasets/dist/index.js';
import { bm3d } from '../../../packages/denoisers/dist/index.js';
import { createGenerator } from '../../../packages/random/dist/index.js';

const folder = process.argv[2];
const levels = [15, 25, 50];
const totals = new Map(levels.map((level) => [level, [0, 0, 0]]));
for (let number = 1; number <= 12; number++) {
  const name = `${String(number).padStart(2, '0')}.png`;
  const { data, shape } = await decodeImage(await readFile(join(folder, name)), name, 1);
  const clean = Float32Array.from(data, (value) => value / 255);
  const [height, width] = shape;
  const row = levels.map((level) => {
    const results = [0, 1, 2].map((seed) => {
      const noise = createGenerator(100 * number + seed).fillNormal(new Float32Array(clean.length));
      const noisy = clean.map((value, i) => value + (level / 255) * noise[i]);
      const restored = bm3d({ data: noisy, width, height, channels: 1 }, level / 255).data;
      let error = 0;
      for (let i = 0; i < clean.length; i++) error += (restored[i] - clean[i]) ** 2;
      const psnr = -10 * Math.log10(error / clean.length);
      totals.get(level)[seed] += psnr / 12;
      return psnr;
    });
    return (results.reduce((a, b) => a + b) / 3).toFixed(2);
  });
  console.log(`| ${name} | ${row.join(' | ')} |`);
}
const means = levels.map((level) =>
  totals
    .get(level)
    .map((mean) => mean.toFixed(3))
    .join(', '),
);
console.log(`| mean of each seed | ${means.join(' | ')} |`);
