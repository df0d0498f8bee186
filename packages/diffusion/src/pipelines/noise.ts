import { createGenerator, type Generator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Standard normal noise [generators.length, ...imageShape], one generator per image: an image is then the same whichever
 * images it is sampled together with.
 */
export function noisePerItem(
  generators: readonly Generator[],
  imageShape: readonly [number, number, number],
): tf.Tensor4D {
  const size = imageShape.reduce((product, side) => product * side, 1);
  const values = new Float32Array(generators.length * size);
  generators.forEach((generator, i) => generator.fillNormal(values.subarray(i * size, (i + 1) * size)));
  return tf.tensor4d(values, [generators.length, ...imageShape]);
}

/** The generator that a seed stands for. */
export function rootGenerator(generator: number | Generator): Generator {
  return typeof generator === 'number' ? createGenerator(generator) : generator;
}
