import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { isTaping } from '../src/index.ts';

it('works in a program that has computed no gradient before', () => {
  // What an engine has only then: the tape that is not there yet is undefined, later null.
  expect(tf.engine().state.activeTape).toBeUndefined();
  expect(isTaping()).toBe(false);
});
