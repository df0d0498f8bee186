import { useEngine } from '@missing-u/engine';
import { examplesOf, runExample } from '@missing-u/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import * as autodiff from '../src/index.ts';

it('runs the example of the README', async () => {
  await useEngine('wasm');
  const [example] = examplesOf(new URL('../README.md', import.meta.url));
  const lines = `${example}\nconsole.log(dx); console.log(image); console.log(lean); console.log(half);`;
  const modules = { '@missing-u/autodiff': autodiff, '@missing-u/engine': { useEngine }, '@tensorflow/tfjs-core': tf };
  const logged = await runExample(lines, modules);
  // w (1 - tanh² x w) three times, and x.
  const slope = [0.5 * (1 - Math.tanh(0.5) ** 2), -(1 - Math.tanh(-2) ** 2)];
  const expected = [slope, slope, slope, [1, 2]];
  logged.forEach(([tensor], i) => expect(tensor as tf.Tensor).toBeAllClose(expected[i]!, { rtol: 1e-4 }));
});
