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

/** Central difference of order 8: the slope of f at 0 from eight values at multiples of h. */
function centralDifference(f: (step: number) => number, h: number): number {
  const weights = [4 / 5, -1 / 5, 4 / 105, -1 / 280];
  return weights.reduce((sum, weight, i) => sum + (weight * (f((i + 1) * h) - f(-(i + 1) * h))) / h, 0);
}

describe.each(['direct', 'checkpointed', 'reversible'] as const)('%s gradient', (gradient) => {
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
    /** The slope along the gradient of some weights is the gradient's length. */
    const check = (names: readonly string[], h: number, rtol: number) => {
      const moved = model.parameters().filter(({ name }) => names.includes(name));
      const slopes = moved.map(({ variable }) => grads[variable.name]!);
      const length = Math.hypot(...slopes.map((slope) => tf.norm(slope).dataSync()[0]!));
      const starts = moved.map(({ variable }) => tf.clone(variable));
      const at = (step: number) => {
        tf.tidy(() =>
          moved.forEach(({ variable }, i) => variable.assign(tf.add(starts[i]!, tf.mul(slopes[i]!, step / length)))),
        );
        return loss();
      };
      expect(centralDifference(at, h), names[0]).toBeAllClose(length, { rtol });
      moved.forEach(({ variable }, i) => variable.assign(starts[i]!));
      tf.dispose(starts);
    };
    check(
      model.parameters().map(({ name }) => name),
      0.05,
      1e-4,
    );
    for (const name of [
      'stem.lift.weight',
      'down.0.stage.block.f.conv1.weight',
      'up.3.stage.block.f.film.linear.weight',
      'head.bias',
    ]) {
      check([name], 0.1, 1e-3);
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

describe('with adaptive steps', () => {
  const solver = { method: 'dopri5', rtol: 1e-4, atol: 1e-4 } as const;
  const smooth = { activation: 'softplus', solver } as const;

  it('the discrete gradients are the same, and the adjoint is near', () => {
    const exact = gradients(smooth);
    expect(distance(gradients({ ...smooth, gradient: 'checkpointed' }), exact)).toBeLessThan(1e-4);
    expect(distance(gradients({ ...smooth, gradient: 'adjoint' }), exact)).toBeLessThan(0.02);
  });

  it('the prediction is that of many fixed steps', () => {
    const predict = (options: CUNetOptions) => {
      const model = new CUNet({ ...small, activation: 'softplus', ...options });
      const y = tf.tidy(() => model.predict(random<tf.Rank.R4>([1, 16, 16, 1]), 300).dataSync<'float32'>());
      model.dispose();
      return y;
    };
    expect(predict({ solver })).toBeAllClose(predict({ solver: { steps: 8 } }), { rtol: 0, atol: 2e-3 });
  });
});
