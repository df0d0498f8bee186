import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as schedulers from '../src/index.ts';
import { torchGenerator, type Denoiser } from '../src/index.ts';

interface Row {
  /** k-diffusion's name. */
  sampler: string;
  options: Record<string, number | string>;
  values: number[];
}

/** Written by tools/reference/schedulers/k_diffusion.py, which has the same levels, start and denoiser. */
const rows = JSON.parse(readFileSync(new URL('./fixtures/k-diffusion.json', import.meta.url), 'utf8')) as Row[];
const levels = Float64Array.from([0, 1, 2, 3, 4, 5, 6, 7], (i) => Math.exp(3 - 0.7 * i));
const start = Float64Array.from({ length: 20 }, (_, i) => 2 * i - 19);
const denoiser: Denoiser<Float64Array> = (x, sigma) => x.map((one) => 0.4 + ((one - 0.4) * 0.49) / (0.49 + sigma ** 2));

const camelCase = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

it.each(rows.map((row) => [`${row.sampler} ${JSON.stringify(row.options)}`, row] as const))('%s', (_, row) => {
  const sample = (schedulers as unknown as Record<string, (...args: unknown[]) => Float64Array | { x: Float64Array }>)[
    camelCase(row.sampler)
  ]!;
  const { n, ...given } = row.options;
  const options = Object.fromEntries(Object.entries(given).map(([key, value]) => [camelCase(key), value]));
  const isRange = /fast|adaptive/.test(row.sampler);
  const range = { sigmaMin: levels[7]!, sigmaMax: levels[0]!, ...(n !== undefined && { nfe: n }) };
  const [x, down] = isRange
    ? [start, range]
    : [start.map((one) => (one * levels[0]!) / 20), Float64Array.of(...levels, 0)];
  const result = sample(denoiser, x, down, { ...options, generator: torchGenerator(0) });
  const end = result instanceof Float64Array ? result : result.x;
  // Noise is known to 1e-6 of torch's.
  expect([0, 1, 7, 10, 19].map((i) => end[i]!)).toBeAllClose(row.values, { rtol: 1e-6, atol: 1e-5 });
});
