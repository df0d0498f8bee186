/**
 * Compares a trained DnCNN with BM3D's two stages on pictures that it has not seen, with several draws of the noise: PSNR picture
 * by picture, means over the draws. Needs the built packages.
 *
 *   node training/evaluate.mjs --weights training/dncnn10-sigma25.safetensors --held pictures/held --held Set12 --seeds 3
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { DnCNN } from '@missing-u/denoisers';
import { useEngine } from '@missing-u/engine';
import { compare, read } from './report.mjs';

const { values } = parseArgs({
  options: {
    weights: { type: 'string', default: 'training/dncnn10-sigma25.safetensors' },
    held: { type: 'string', multiple: true },
    sigma: { type: 'string', default: '25' },
    seeds: { type: 'string', default: '3' },
    engine: { type: 'string', default: 'auto' },
  },
});
await useEngine(values.engine);
const model = await DnCNN.fromPretrained(values.weights);
const held = (await Promise.all(values.held.map((path) => read(path)))).flat();
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
const totals = [];
for (const image of held) {
  const runs = seeds.map((seed) => compare(model, [image], { sigma: Number(values.sigma) / 255, clip: false, seed }));
  const row = runs[0].map((_, i) => mean(runs.map((run) => run[i].psnr)));
  totals.push(row);
  console.log([basename(image.path), ...row.map((psnr) => psnr.toFixed(2))].join(' | '));
}
console.log(['mean', ...totals[0].map((_, i) => mean(totals.map((row) => row[i])).toFixed(3))].join(' | '));
const ahead = totals.filter(([, network, first]) => network > first).length;
console.log(
  `noise, network, BM3D stage 1, BM3D; the network is ahead of stage 1 on ${ahead} of ${totals.length} pictures`,
);
