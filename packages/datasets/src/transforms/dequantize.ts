import type { Image } from '../image.ts';
import { isRange, RANGE } from '../pipeline/convert.ts';
import { checkSeed, refused } from './check.ts';
import { generatorFor, type Occasion } from './occasion.ts';

/** See {@link dequantize}. */
export interface Dequantize {
  readonly transform: 'dequantize';
  readonly kind: 'uniform' | 'gaussian';
  readonly range: readonly [low: number, high: number];
  readonly seed: number;
}

/**
 * Spreads the 256 steps of a byte over the values between them (Ho et al., "Flow++", 2019), with the numbers of the DDIM
 * code: `uniform` is x * 255 / 256 + u / 256 with u in [0, 1), `gaussian` is x + 0.01 z, for x in [0, 1]; then [0, 1] is
 * scaled to `range`, [-1, 1] if left out. The noise is new in each epoch.
 *
 * @throws DatasetError `DATASETS_BAD_TRANSFORM`
 */
export function dequantize(options: {
  seed: number;
  kind?: Dequantize['kind'];
  range?: Dequantize['range'];
}): Dequantize {
  const { seed, kind = 'uniform', range = [-1, 1] } = options;
  checkSeed(seed);
  if (kind !== 'uniform' && kind !== 'gaussian') throw refused('kind', kind, "'uniform' or 'gaussian'");
  if (!isRange(range)) throw refused('range', range, RANGE);
  return { transform: 'dequantize', kind, range, seed };
}

export function applyDequantize({ kind, range, seed }: Dequantize, { data, shape }: Image, occasion: Occasion): Image {
  const out = new Float32Array(data.length);
  const generator = generatorFor(seed, occasion);
  const scale = data instanceof Uint8Array ? 255 : 1;
  const [low, high] = range;
  for (let i = 0; i < data.length; i++) {
    const x = data[i]! / scale;
    const spread = kind === 'uniform' ? (x * 255 + generator.uniform()) / 256 : x + 0.01 * generator.normal();
    out[i] = low + spread * (high - low);
  }
  return { data: out, shape };
}
