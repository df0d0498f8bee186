import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { createGenerator, type Denoiser } from '../src/index.ts';
import { logLikelihood, probabilityFlowSample } from '../src/likelihood/index.ts';

/** A normal distribution of deviation 0.5: x(σ) scales by √(s² + σ²), and log p is known. */
const SPREAD = 0.5;
const denoiser: Denoiser<tf.Tensor2D> = (x, sigma) => tf.mul(x, SPREAD ** 2 / (SPREAD ** 2 + sigma ** 2));
const range = { sigmaMin: 0.01, sigmaMax: 20 };
const points = () => tf.tensor2d([0.3, -0.2, 0.1, 1.0, 0.5, -0.7], [2, 3]);

it('samples along the exact solution', () => {
  const x = tf.mul(points(), 20);
  const scale = Math.sqrt((SPREAD ** 2 + range.sigmaMin ** 2) / (SPREAD ** 2 + range.sigmaMax ** 2));
  const { x: end, nfe } = probabilityFlowSample(denoiser, x as tf.Tensor2D, range);
  expect(end).toBeAllClose(tf.mul(x, scale), { rtol: 1e-3, atol: 1e-3 });
  expect(nfe).toBeGreaterThan(6);
});

describe.each(['exact', 'hutchinson'] as const)('log-likelihood, %s trace', (trace) => {
  it('is that of the normal distribution', () => {
    const x = points();
    const variance = SPREAD ** 2 + range.sigmaMin ** 2;
    const values = x.dataSync();
    const expected = [0, 1].map((item) => {
      const squares = [0, 1, 2].reduce((sum, i) => sum + values[3 * item + i]! ** 2, 0);
      return -squares / (2 * variance) - 1.5 * Math.log(2 * Math.PI * variance);
    });
    const result = logLikelihood(denoiser, x, range, { trace, generator: createGenerator(0) });
    expect(result.logLikelihood).toBeAllClose(expected, { rtol: 2e-3, atol: 5e-3 });
    expect(result.bitsPerDim).toBeAllClose(
      expected.map((log) => -log / (3 * Math.LN2)),
      { rtol: 2e-3, atol: 5e-3 },
    );
  });

  it('leaks nothing', async () => {
    const x = points();
    await expect(
      () => void logLikelihood(denoiser, x, range, { trace, generator: createGenerator(0) }),
    ).toLeakNoTensors();
  });
});

it('says what is missing', () => {
  expect(() => logLikelihood(denoiser, points(), range)).toThrow(/generator/);
  expect(() => probabilityFlowSample(denoiser, points(), { sigmaMin: 0, sigmaMax: 1 })).toThrow(/sigmaMin/);
});
