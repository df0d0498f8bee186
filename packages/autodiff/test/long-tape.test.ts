import '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { vjp } from '../src/index.ts';

it('goes back through more operations than a call takes arguments, as long solves record', async () => {
  await tf.setBackend('cpu');
  const negatedOften = (x: tf.Tensor) => {
    let y = x;
    for (let i = 0; i < 150_000; i++) y = tf.neg(y);
    return y;
  };
  expect(vjp(negatedOften, tf.scalar(2)).dataSync()[0]).toBe(1);
});
