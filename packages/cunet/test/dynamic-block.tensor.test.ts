import * as tf from '@tensorflow/tfjs-core';
import { direct } from '@missing-u/ode-solvers';
import { createGenerator } from '@missing-u/random';
import { describe, expect, it } from 'vitest';
import { CUNet, DynamicBlock, LiftStem, PublishedStem, type CUNetOptions } from '@missing-u/cunet';
import { random } from './random.ts';

const state = () => random<tf.Rank.R4>([2, 4, 4, 6]);
const halves = (z: tf.Tensor4D) => tf.split(z, 2, 3) as [tf.Tensor4D, tf.Tensor4D];

/** A block of six channels whose acceleration is `stiffness` times x, and nothing else. */
function linearBlock(stiffness: number, options: CUNetOptions = {}): DynamicBlock {
  const { config } = new CUNet({
    channels: 6,
    groups: 2,
    imageSize: 16,
    residual: 'conv1x1',
    secondKernel: 1,
    accelerationOutput: 'linear',
    weights: 'none',
    ...options,
  });
  const block = new DynamicBlock(config, 6, direct()).initialize(createGenerator(0));
  const dict = block.stateDict();
  for (const name of ['f.conv2.weight', 'f.conv2.bias', 'f.residual.weight', 'f.residual.bias'])
    dict[name]!.data.fill(0 as never);
  for (const i of [0, 1, 2]) dict['f.residual.weight']!.data[i * 6 + i] = stiffness; // [3, 6, 1, 1]
  block.loadStateDict(dict);
  return block;
}

const embedding = () => random<tf.Rank.R2>([2, 64]);

describe('a dynamic block of second order', () => {
  it('drifts by its velocity where nothing accelerates', () => {
    const block = linearBlock(0);
    const [x, v] = halves(state());
    const [x1, v1] = halves(block.forward(state(), embedding()));
    expect(x1).toBeAllClose(tf.add(x, v), { atol: 1e-6 });
    expect(v1).toBeAllClose(v, { atol: 1e-6 });
    block.dispose();
  });

  it("is an oscillator where a = -x, with the solver's order", () => {
    const [x, v] = halves(state());
    const [cos, sin] = [Math.cos(1), Math.sin(1)];
    const expected = tf.concat([tf.add(tf.mul(x, cos), tf.mul(v, sin)), tf.sub(tf.mul(v, cos), tf.mul(x, sin))], 3);
    const error = (solver: CUNetOptions['solver']) => {
      const block = linearBlock(-1, { solver: solver! });
      const worst = tf.max(tf.abs(tf.sub(block.forward(state(), embedding()), expected))).dataSync()[0]!;
      block.dispose();
      return worst;
    };
    const [one, two] = [error({ steps: 1 }), error({ steps: 2 })];
    expect(one).toBeLessThan(0.05);
    expect(Math.log2(one / two)).toBeCloseTo(4, 0);
    expect(error({ method: 'dopri5', rtol: 1e-6, atol: 1e-6 })).toBeLessThan(1e-5);
    const [euler, finer] = [error({ method: 'euler', steps: 8 }), error({ method: 'euler', steps: 16 })];
    expect(Math.log2(euler / finer)).toBeCloseTo(1, 0);
  });

  it('keeps its shape and leaks nothing', async () => {
    const block = linearBlock(-1);
    const [z, e] = [state(), embedding()];
    expect(block.forward(z, e).shape).toEqual([2, 4, 4, 6]);
    await expect(() => block.forward(z, e).dispose()).toLeakNoTensors();
    block.dispose();
  });
});

describe('stems', () => {
  const { config } = new CUNet({ inChannels: 2, channels: 6, groups: 2, imageSize: 16, weights: 'none' });
  const images = () => random<tf.Rank.R4>([1, 4, 4, 2]);

  it('lift images to a place that keeps their scale', () => {
    const stem = new LiftStem(config).initialize(createGenerator(0));
    const zero = halves(stem.forward(tf.zeros([1, 4, 4, 2])))[0]; // the bias
    const [x] = halves(stem.forward(images()));
    const [twice] = halves(stem.forward(tf.mul(images(), 2)));
    expect(tf.sub(twice, zero)).toBeAllClose(tf.mul(tf.sub(x, zero), 2), { atol: 1e-5 });
    stem.dispose();
  });

  it('of the published form do not see the mean and scale of the images', () => {
    const stem = new PublishedStem(config).initialize(createGenerator(0));
    const seen = stem.forward(images());
    expect(seen.shape).toEqual([1, 4, 4, 6]);
    expect(stem.forward(tf.add(tf.mul(images(), 3), 5))).toBeAllClose(seen, { atol: 1e-3 });
    stem.dispose();
  });
});
