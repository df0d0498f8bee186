import * as tf from '@tensorflow/tfjs-core';
import { adjoint } from '@missing-u/ode-solvers';
import { describe, expect, it } from 'vitest';
import { CUNet, type CUNetOptions } from '@missing-u/cunet';
import { random } from './random.ts';

const small: CUNetOptions = { inChannels: 1, channels: 4, groups: 2, imageSize: 16, timeSize: 8, attention: 'none' };

/** Gradients of a loss by name of the weight. */
function gradients(options: CUNetOptions): Record<string, Float32Array> {
  const model = new CUNet({ ...small, ...options });
  const sample = random<tf.Rank.R4>([1, 16, 16, 1]);
  const found = tf.tidy(() => {
    const { grads } = tf.variableGrads(() => tf.mean<tf.Scalar>(tf.square(model.predict(sample, 300))));
    return Object.fromEntries(
      model.parameters().map(({ name, variable }) => [name, grads[variable.name]!.dataSync<'float32'>().slice()]),
    );
  });
  tf.dispose(sample);
  model.dispose();
  return found;
}

/** The largest relative error of a weight's gradient. */
function distance(a: Record<string, Float32Array>, b: Record<string, Float32Array>): number {
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const errors = Object.entries(b).map(([name, values]) => norm(a[name]!.map((v, i) => v - values[i]!)) / norm(values));
  return Math.max(...errors);
}

describe('gradients through the dynamic blocks', () => {
  const smooth = { activation: 'softplus' } as const;

  it('are the same with recomputation, and with reversal of the reversible method', () => {
    expect(distance(gradients({ gradient: 'checkpointed' }), gradients({ gradient: 'direct' }))).toBeLessThan(1e-4);
    // λ close to 1 keeps the reversible method close to the method it is made of.
    expect(distance(gradients({ ...smooth, gradient: 'reversible' }), gradients(smooth))).toBeLessThan(0.02);
  });

  it('by the adjoint come nearer as the steps grow, and are near with four', () => {
    const solver = { steps: 2 };
    const exact = gradients({ ...smooth, solver });
    const error = (steps: number) =>
      distance(gradients({ ...smooth, solver, gradient: adjoint({ stepSize: 1 / steps }) }), exact);
    const [coarse, fine] = [error(1), error(4)];
    expect(coarse).toBeGreaterThan(2 * fine);
    expect(fine).toBeLessThan(0.05);
  });
});

describe.each(['direct', 'reversible'] as const)('%s gradient', (gradient) => {
  it('is that of finite differences', () => {
    const model = new CUNet({ ...small, activation: 'softplus', gradient });
    const [sample, target] = [random<tf.Rank.R4>([1, 16, 16, 1]), random<tf.Rank.R4>([1, 16, 16, 1], 2)];
    const weighted = () => tf.mul(model.predict(sample, 300), target);
    const { value, grads } = tf.variableGrads(() => tf.sum<tf.Scalar>(weighted()));
    // Summed in float64, or rounding would hide the differences.
    const loss = () =>
      tf.tidy(() =>
        weighted()
          .dataSync<'float32'>()
          .reduce((sum, term) => sum + term, 0),
      );
    // Along the direction of one weight's gradient at a time, where the difference is largest against rounding.
    for (const name of [
      'stem.lift.weight',
      'down.0.stage.block.f.conv1.weight',
      'up.3.stage.block.f.film.linear.weight',
      'head.bias',
    ]) {
      const { variable } = model.parameters().find((parameter) => parameter.name === name)!;
      const slope = grads[variable.name]!;
      const length = tf.norm(slope).dataSync()[0]!;
      const at = (step: number) =>
        tf.tidy(() => {
          const start = tf.clone(variable);
          variable.assign(tf.add(start, tf.mul(slope, step / length)));
          const moved = loss();
          variable.assign(start);
          return moved;
        });
      const h = 0.05;
      const difference = (at(-2 * h) - 8 * at(-h) + 8 * at(h) - at(2 * h)) / (12 * h);
      expect(difference, name).toBeAllClose(length, { rtol: 2e-3 });
    }
    tf.dispose([sample, target, value, grads]);
    model.dispose();
  });

  it('leaks nothing', async () => {
    const model = new CUNet({ ...small, gradient });
    const sample = random<tf.Rank.R4>([1, 16, 16, 1]);
    await expect(() => {
      tf.dispose(tf.variableGrads(() => tf.mean<tf.Scalar>(model.predict(sample, 300))));
    }).toLeakNoTensors();
    model.dispose();
  });
});
