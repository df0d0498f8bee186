import { saveNpz, type StateTensor } from '@missing-u/weights';
import { imageGrid } from '../images/grid.ts';
import { writePng } from '../images/png.ts';

/** Images in [0, 1], [count, height, width, channels]. */
export interface Samples {
  data: Float32Array | Uint8Array | Int32Array;
  shape: readonly number[];
}

/** Writes images as one picture and, where asked for, their bytes as array `samples`, uint8 NHWC. */
export async function writeSamples({ data, shape }: Samples, out: string, npz: string | undefined): Promise<void> {
  await writePng(out, imageGrid({ data, shape }));
  if (npz !== undefined) await saveNpz({ samples: toBytes(data, shape) }, npz);
}

/** Values in [0, 1] as bytes, rounded to nearest. */
function toBytes(values: ArrayLike<number>, shape: readonly number[]): StateTensor {
  return { dtype: 'uint8', shape, data: Uint8Array.from(values, (value) => Math.round(255 * value)) };
}
