/** Computes the same on every engine that runs here, and compares the results with those of tfjs' own cpu backend. */
import * as tf from '@tensorflow/tfjs-core';
import { createGenerator } from '@missing-u/random';
import { expect } from 'vitest';
import { useEngine } from '../src/index.ts';
import { findInstallations } from '../src/node.ts';
import { litter } from './litter.ts';

const installed = (await findInstallations()).some(({ fault }) => fault === undefined);

/** The backends that are compared with cpu: wasm, and native where it is installed. */
export const backends = installed ? ['wasm', 'tensorflow'] : ['wasm'];

type Arrays = { values: Float32Array; shape: number[] }[];

const random = createGenerator(4);

export function draw(...shape: number[]): tf.Tensor {
  return tf.tensor(random.fillNormal(new Float32Array(tf.util.sizeFromShape(shape))), shape);
}

/** Runs `compute` on one engine over the same numbers, and gives the results as arrays. */
async function on(engine: string, inputs: Arrays, compute: (...inputs: tf.Tensor[]) => tf.Tensor[]): Promise<Arrays> {
  await tf.setBackend(engine);
  if (engine === 'wasm') litter();
  return tf.tidy(() =>
    compute(...inputs.map(({ values, shape }) => tf.tensor(values, shape))).map((result) => ({
      values: result.dataSync<'float32'>(),
      shape: result.shape,
    })),
  );
}

/** `compute` gives the same on all engines as on cpu, and leaves nothing behind. */
export async function expectSame(shapes: number[][], compute: (...inputs: tf.Tensor[]) => tf.Tensor[]): Promise<void> {
  const inputs = tf.tidy(() => shapes.map((shape) => ({ values: draw(...shape).dataSync<'float32'>(), shape })));
  const expected = await on('cpu', inputs, compute);
  for (const backend of backends) {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const dataBefore = tf.engine().backend.numDataIds();
    const actual = await on(backend, inputs, compute);
    expect(tf.memory().numTensors).toBe(before);
    expect(tf.engine().backend.numDataIds()).toBe(dataBefore);
    expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
    actual.forEach(({ values }, i) => {
      const scale = Math.max(...expected[i]!.values.map(Math.abs));
      expect(values, backend).toBeAllClose(expected[i]!.values, { rtol: 1e-4, atol: 1e-5 * scale });
    });
  }
}

/** The value of `f` and its gradients by all inputs, with a random dy. */
export function withGradients(f: (...inputs: tf.Tensor[]) => tf.Tensor) {
  return (...inputs: tf.Tensor[]): tf.Tensor[] => {
    const value = f(...inputs);
    const dy = tf.tensor(
      Float32Array.from({ length: value.size }, (_, i) => Math.sin(i * 12.9898) + 0.25),
      value.shape,
    );
    return [value, ...tf.grads(f)(inputs, dy)];
  };
}

export async function startAll(): Promise<void> {
  await useEngine('cpu');
  await useEngine('wasm');
  if (installed) await useEngine('native');
}
