import { CUNet, presets, type CUNetOptions } from '@missing-u/cunet';
import { compile, useEngine } from '@missing-u/engine';
import { findInstallations } from '@missing-u/engine/node';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { random } from './random.ts';

const installed = (await findInstallations()).some(({ fault }) => fault === undefined);
if (installed) await useEngine('native', { threads: 2 });

const small: CUNetOptions = { inChannels: 1, channels: 8, groups: 4, imageSize: 16, timeSize: 8, attentionHeads: 2 };

/** The prediction of a network and the gradients of its mean square, as a function to compile. */
function predictionAndGradients(model: CUNet): (x: tf.Tensor4D, times: tf.Tensor1D) => tf.Tensor[] {
  return (x, times) => {
    const loss = () => tf.mean<tf.Scalar>(tf.square(model.predict(x, times)));
    const { grads } = tf.variableGrads(loss);
    // Some of the published ones have weights that nothing depends on.
    const found = model.parameters().flatMap(({ variable }) => (grads[variable.name] as tf.Tensor | null) ?? []);
    return [model.predict(x, times), ...found];
  };
}

/** The largest difference, in the size of the largest element. */
function relative(a: tf.Tensor, b: tf.Tensor): number {
  const [values, expected] = [a.dataSync<'float32'>(), b.dataSync<'float32'>()];
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = values.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  return difference === 0 ? 0 : difference / largest;
}

describe.skipIf(!installed)('compiled (needs `missing-u native install`)', () => {
  it.each(Object.keys(presets) as (keyof typeof presets)[])(
    '%s predicts and has the gradients that it has without',
    (preset) => {
      const imageSize = preset.startsWith('published') ? 32 : 16;
      const model = new CUNet({ ...small, preset, imageSize });
      const [x, times] = [random<tf.Rank.R4>([2, imageSize, imageSize, 1]), tf.tensor1d([3, 700])];
      const both = predictionAndGradients(model);
      const step = compile(both);
      const eager = tf.tidy(() => both(x, times));
      for (let call = 0; call < 2; call++) {
        const graph = step(x, times);
        graph.forEach((tensor, i) => expect(relative(tensor, eager[i]!)).toBeLessThan(1e-5));
        tf.dispose(graph);
      }
      step.dispose();
      model.dispose();
      tf.dispose([x, times, eager]);
    },
    60_000,
  );

  it('computes again what it did not keep, and holds less', () => {
    const measure = (options: CUNetOptions, memoryBudget?: number) => {
      const model = new CUNet({ ...small, attention: 'none', ...options });
      const [x, times] = [random<tf.Rank.R4>([8, 16, 16, 1]), tf.tensor1d([1, 2, 3, 4, 5, 6, 7, 8])];
      const step = compile(predictionAndGradients(model), memoryBudget === undefined ? {} : { memoryBudget });
      const results = step(x, times);
      tf.dispose(step(x, times));
      const [graph] = step.stats.graphs;
      step.dispose();
      model.dispose();
      tf.dispose([x, times]);
      return { results, memory: graph!.memory };
    };
    const direct = measure({});
    expect(direct.memory.recomputed).toBe(0);
    const budget = 0.75 * direct.memory.peakBytes;
    const others = [
      measure({ gradient: 'checkpointed' }),
      measure({}, budget),
      measure({ gradient: 'checkpointed' }, budget),
    ];
    for (const { results, memory } of others) {
      expect(memory.recomputed).toBeGreaterThan(0);
      expect(memory.peakBytes).toBeLessThan(0.85 * direct.memory.peakBytes);
      results.forEach((result, i) => expect(relative(result, direct.results[i]!)).toBeLessThan(1e-5));
    }
    expect(others[1]!.memory.peakBytes).toBeLessThanOrEqual(budget);
    tf.dispose([direct, ...others].map(({ results }) => results));
  }, 120_000);

  it('gives the same digits with the operations of the native engine as with single ones', () => {
    const model = new CUNet({ ...small, solver: { steps: 2 } });
    const [x, times] = [random<tf.Rank.R4>([2, 16, 16, 1]), tf.tensor1d([3, 700])];
    const predict = () => tf.tidy(() => model.predict(x, times).dataSync().slice());
    const once = predict();
    const name = 'VelocityAcceleration';
    const kernel = tf.getKernel(name, 'tensorflow') as tf.KernelConfig | undefined;
    if (kernel !== undefined) {
      tf.unregisterKernel(name, 'tensorflow');
      try {
        expect(predict()).toEqual(once);
      } finally {
        tf.registerKernel(kernel);
      }
    }
    // Within a gradient, single operations run.
    const { value } = tf.variableGrads(() => tf.mean<tf.Scalar>(model.predict(x, times)));
    expect(value.dataSync()[0]).toBe(tf.mean(tf.tensor(once)).dataSync()[0]);
    model.dispose();
    tf.dispose([x, times]);
  });
});
