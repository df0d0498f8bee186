/**
 * Whether the memory of a long training grows: a small U-Net on MNIST with everything that a run does beside its steps
 * (checkpoints, samples, validation, logs), the tensors and the resident bytes of the process after each step.
 *
 *     node bench/memory.mjs [engine=native] [steps=10000]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveConfig, trainRun } from '@missing-u/diffusion/node';
import { useEngine } from '@missing-u/engine';
import * as tf from '@tensorflow/tfjs-core';

const [engine = 'native', count = '10000'] = process.argv.slice(2);
await useEngine(engine, { threads: 1 });
const steps = Number(count);
const rest = { sampleEvery: steps / 10, validateEvery: steps / 10, validationCount: 64, checkpointEvery: steps / 20 };
const config = resolveConfig({ model: 'unet', channels: 8, size: 16, batch: 4, timesteps: 50, steps, ...rest });
const out = mkdtempSync(join(tmpdir(), 'missing-u-memory-'));
const tensors = new Map();
/** Resident megabytes, the mean of each twentieth of the run. */
const resident = new Array(20).fill(0);
try {
  const { signal } = new AbortController();
  const begin = performance.now();
  const onStep = ({ step }) => {
    const { numTensors } = tf.memory();
    tensors.set(numTensors, (tensors.get(numTensors) ?? 0) + 1);
    resident[Math.floor((20 * (step - 1)) / steps)] += process.memoryUsage.rss() / 1e6 / (steps / 20);
  };
  const { model } = await trainRun(config, { out, resume: false, signal, onStep });
  model.dispose();
  console.log(`${engine}: ${steps} steps in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  console.log(`tensors after a step: ${[...tensors].map(([value, times]) => `${value} (${times} times)`).join(', ')}`);
  console.log(`resident MB by twentieths: ${resident.map((value) => value.toFixed(0)).join(' ')}`);
} finally {
  rmSync(out, { recursive: true, force: true });
}
process.exit(0);
