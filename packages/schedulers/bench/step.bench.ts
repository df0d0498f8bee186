import { execFileSync } from 'node:child_process';
import { bench, describe } from 'vitest';
import { DDIMScheduler, createGenerator } from '../src/index.ts';

/**
 * One DDIM step of 16x64x64x3 float32 numbers on plain arrays. The peer is the same step in numpy, whose median is printed first
 * (tools/reference/schedulers/numpy_step.py); the ratio of the two is what counts.
 */
const python = new URL('../../../tools/reference/.venv/bin/python', import.meta.url).pathname;
const script = new URL('../../../tools/reference/schedulers/numpy_step.py', import.meta.url).pathname;
console.log(`numpy: ${execFileSync(python, [script]).toString().trim()} microseconds`);

describe('DDIM step, 16x64x64x3', () => {
  const scheduler = new DDIMScheduler();
  scheduler.setTimesteps(10);
  const [output, sample] = [1, 2].map((seed) => createGenerator(seed).fillNormal(new Float32Array(16 * 64 * 64 * 3)));
  bench('plain arrays', () => void scheduler.step(output!, 500, sample!));
});
