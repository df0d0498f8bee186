import * as tf from '@tensorflow/tfjs-core';
import type { Condition, Denoiser } from '../contracts.ts';
import { isModule } from './predictor.ts';

/** Images computed together where nothing speaks against it: beyond, engines do not get faster. */
const MOST = 64;
/** What the tensors of one call of the network may take, unless told otherwise: 2 GiB. */
const MEMORY = 2 * 2 ** 30;

/**
 * How many images are computed together, so that what the network holds at its peak fits in `memory` bytes. One image is run
 * to measure it, for networks of this project; others are not called more often than they are asked.
 */
export async function chunkSizeFor(
  denoiser: Denoiser,
  imageShape: readonly [number, number, number],
  { memory = MEMORY, condition }: { memory?: number; condition?: Condition },
): Promise<number> {
  if (!isModule(denoiser)) return MOST;
  const before = tf.memory().numBytes;
  const image: tf.Tensor4D = tf.zeros([1, ...imageShape]);
  try {
    const { peakBytes } = await tf.profile(() => {
      denoiser.predict(image, 0, condition).dispose();
      return [];
    });
    return Math.max(1, Math.min(MOST, Math.floor(memory / Math.max(1, peakBytes - before))));
  } finally {
    image.dispose();
  }
}
