import * as tf from '@tensorflow/tfjs-core';
import type { StateDict } from '@missing-u/weights';

/** The numbers of tools/reference/metrics/hashed.py, so that both sides have the same weights without a file. */
export function hashed(count: number, seed: number): Float64Array {
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let x = (i + seed) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    out[i] = ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  }
  return out;
}

function nameSeed(name: string): number {
  let seed = 0;
  for (const character of name) seed = (Math.imul(seed, 31) + character.charCodeAt(0)) >>> 0;
  return seed;
}

/** A state dict with the given names and shapes. */
export function hashedWeights(shapes: Readonly<Record<string, readonly number[]>>): StateDict {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const fanIn = shape.slice(1).reduce((product, size) => product * size, 1);
      const bound = Math.sqrt(6 / fanIn);
      const around1 = name.endsWith('running_var') || name.endsWith('bn.weight');
      const value = (u: number) => (shape.length > 1 ? (2 * u - 1) * bound : around1 ? 0.5 + u : 0.2 * (u - 0.5));
      const data = Float32Array.from(hashed(fanIn * shape[0]!, nameSeed(name)), value);
      return [name, { dtype: 'float32' as const, shape, data }];
    }),
  );
}

/** Pictures [count, height, width, 3] in [0, 1]. */
export function hashedImages(count: number, height: number, width: number, seed: number): tf.Tensor4D {
  return tf.tensor4d(Float32Array.from(hashed(count * height * width * 3, seed)), [count, height, width, 3]);
}
