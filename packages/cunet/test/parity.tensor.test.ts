import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { CUNet, type CUNetOptions } from '@missing-u/cunet';
import fixtures from './fixtures/parity.json' with { type: 'json' };

/** As in tools/reference/cunet/parity.py, which says where the expected numbers come from. */
function setWeights(model: CUNet): void {
  const dict = model.stateDict();
  Object.entries(dict).forEach(([name, { shape, data }], j) => {
    const fanIn = shape.length > 1 && !name.endsWith('.g') ? shape.slice(1).reduce((a, b) => a * b, 1) : 1;
    const isScale = name.endsWith('.g') || (name.endsWith('weight') && shape.length === 1);
    for (let i = 0; i < data.length; i++) {
      data[i] = (0.4 * Math.sin(1 + j + 0.37 * i)) / Math.sqrt(fanIn) + (isScale ? 1 : 0);
    }
  });
  model.loadStateDict(dict);
}

describe('CUNet has the numbers of an independent version in PyTorch and torchdiffeq', () => {
  it.each(Object.entries(fixtures))('%s', (_, fixture) => {
    const { side, parameters, prediction, gradients } = fixture;
    const options = fixture.options as CUNetOptions & { inChannels: number };
    const [height, width] = typeof side === 'number' ? [side, side] : (side as [number, number]);
    const model = new CUNet({ imageSize: Math.max(height, width), ...options });
    expect(model.parameterCount).toBe(parameters);
    setWeights(model);
    tf.tidy(() => {
      const { inChannels } = options;
      const numbers = Float32Array.from({ length: 2 * inChannels * height * width }, (_, i) => Math.sin(0.67 * i));
      const sample = tf.transpose(tf.tensor4d(numbers, [2, inChannels, height, width]), [0, 2, 3, 1]);
      const planar = () => tf.transpose(model.predict(sample, [3, 700]), [0, 3, 1, 2]);
      const scale = Math.max(...prediction.map(Math.abs));
      expect(planar()).toBeAllClose(prediction, { rtol: 0, atol: 2e-5 * scale });

      const weight = tf.tensor(
        Float32Array.from({ length: prediction.length }, (_, i) => Math.cos(i)),
        [2, model.config.outChannels, height, width],
      );
      const named = model.parameters().filter(({ variable }) => variable.trainable);
      const { grads } = tf.variableGrads(() => tf.mean<tf.Scalar>(tf.mul(planar(), weight)));
      expect(named.map(({ name }) => name)).toEqual(Object.keys(gradients));
      // Through the weights, to read the gradients in PyTorch's order.
      for (const { variable } of named) variable.assign(grads[variable.name]!);
      const dict = model.stateDict();
      // Small gradients are differences of large sums, which engines round in different orders: hence the absolute part.
      const whole = Math.hypot(...Object.values(gradients as Record<string, number[]>).map(([norm]) => norm!));
      for (const [name, [norm, ...samples]] of Object.entries(gradients as Record<string, number[]>)) {
        const values = Array.from(dict[name]!.data as Float32Array);
        expect(Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)), name).toBeAllClose(norm!, {
          rtol: 1e-3,
          atol: 1e-4 * whole,
        });
        const at = [0, Math.floor(values.length / 2), values.length - 1];
        expect(at.map((i) => values[i]!)).toBeAllClose(samples, { rtol: 1e-3, atol: 1e-3 * norm! + 1e-4 * whole });
      }
    });
    model.dispose();
  });
});
