import type { Image } from '../image.ts';
import { refused } from './check.ts';

/** See {@link normalize}. */
export interface Normalize {
  readonly transform: 'normalize';
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * `(x - mean) / std` per channel with x in [0, 1], in float32: bit for bit torchvision's `ToTensor` and `Normalize`. The
 * result is no longer scaled to the batch's `range`.
 *
 * @param mean one number, or one per channel
 * @throws DatasetError `DATASETS_BAD_TRANSFORM`
 */
export function normalize({
  mean,
  std,
}: {
  mean: number | readonly number[];
  std: number | readonly number[];
}): Normalize {
  const list = (value: number | readonly number[]) => (typeof value === 'number' ? [value] : value);
  const [means, stds] = [list(mean), list(std)];
  if (!means.every(Number.isFinite) || means.length === 0) throw refused('mean', mean, 'finite numbers');
  if (!stds.every((value) => Number.isFinite(value) && value > 0) || stds.length === 0) {
    throw refused('std', std, 'numbers greater than 0');
  }
  return { transform: 'normalize', mean: means, std: stds };
}

export function applyNormalize({ mean, std }: Normalize, { data, shape }: Image): Image {
  const channels = shape[2];
  for (const [argument, list] of Object.entries({ mean, std })) {
    if (list.length !== 1 && list.length !== channels)
      throw refused(argument, list, `one number, or ${channels} of them`);
  }
  const out = new Float32Array(data.length);
  const bytes = data instanceof Uint8Array;
  for (let c = 0; c < channels; c++) {
    const m = Math.fround(mean[c % mean.length]!);
    const s = Math.fround(std[c % std.length]!);
    for (let i = c; i < data.length; i += channels) {
      const x = bytes ? Math.fround(data[i]! / 255) : data[i]!;
      out[i] = Math.fround(x - m) / s;
    }
  }
  return { data: out, shape };
}
