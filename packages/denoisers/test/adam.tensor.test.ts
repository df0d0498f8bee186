import { createGenerator } from '@missing-u/random';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { Adam } from '../src/adam.ts';

it("makes the updates of TensorFlow.js' Adam", async () => {
  const run = () => {
    const generator = createGenerator(1);
    const normal = (shape: number[]) =>
      tf.tensor(generator.fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1))), shape);
    const shapes = [[3, 2], [4], []];
    const [ours, theirs] = [0, 1].map(() => shapes.map((shape) => tf.variable(tf.ones(shape)))) as [
      tf.Variable[],
      tf.Variable[],
    ];
    const adam = new Adam(ours);
    const peer = tf.train.adam(0.1, 0.9, 0.999, 1e-8);
    for (const rate of [0.1, 0.05, 0.02, 0.3]) {
      const gradients = shapes.map(normal);
      const numbers = adam.numbers(rate);
      adam.update(gradients, numbers);
      (peer as unknown as { learningRate: number }).learningRate = rate;
      peer.applyGradients(theirs.map(({ name }, i) => ({ name, tensor: gradients[i]! })));
      tf.dispose([gradients, numbers]);
    }
    theirs.forEach((variable, i) => expect(ours[i]!).toBeAllClose(variable, { rtol: 1e-5, atol: 1e-6 }));
    adam.dispose();
    peer.dispose();
    tf.dispose([ours, theirs]);
  };
  tf.tidy(run);
  await expect(() => tf.tidy(run)).toLeakNoTensors();
});
