import type { Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import { UNetError } from './errors.ts';

type Shape = [batch: number, height: number, width: number, channels: number];

/** Where the numbers in [0, 1) come from by which dropout decides, one for each number of images of this shape. */
export type DropoutDraws = (shape: Shape) => tf.Tensor4D;

export function drawsOf(generator: Generator): DropoutDraws {
  return (shape) => tf.tensor4d(generator.fillUniform(new Float32Array(sizeOf(shape))), shape);
}

/** Draws that were made before: each layer takes the next columns of [batch, size]. */
export function drawsFrom(draws: tf.Tensor2D): DropoutDraws {
  let taken = 0;
  return (shape) =>
    tf.tidy(() => {
      const [batch] = shape;
      const count = sizeOf(shape) / batch;
      if (draws.shape[0] !== batch || draws.shape[1] < taken + count) {
        const message = `Dropout draws ${taken + count} numbers or more for each of ${batch} images, and the draws that it was given have the shape [${draws.shape.join(', ')}]: make them [batch, dropoutSize(...)].`;
        throw new UNetError('UNET_DROPOUT_DRAWS', message);
      }
      const columns = tf.slice(draws, [0, taken], [batch, count]);
      taken += count;
      return tf.reshape<tf.Rank.R4>(columns, shape);
    });
}

/** Draws nothing, and tells how much that is for one image. */
export function countedDraws(): { draws: DropoutDraws; size: () => number } {
  let size = 0;
  const draws: DropoutDraws = (shape) => {
    size += sizeOf(shape) / shape[0];
    return tf.ones(shape);
  };
  return { draws, size: () => size };
}

function sizeOf(shape: Shape): number {
  return shape.reduce((product, side) => product * side, 1);
}
