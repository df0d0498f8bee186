/**
 * Writes what a training of 100 steps starts from and draws, for `training.py` to make the same run in PyTorch:
 * `FOLDER/<network>.safetensors` (first weights) and `FOLDER/draws.npz` (images, timesteps and noise of every step, channels
 * last). Usage: node training_inputs.mjs FOLDER
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CUNet } from '../../../packages/cunet/dist/index.js';
import { useEngine } from '../../../packages/engine/dist/index.js';
import { createGenerator } from '../../../packages/random/dist/index.js';
import { UNet } from '../../../packages/unet-blocks/dist/index.js';
import { saveNpz, saveSafetensors } from '../../../packages/weights/dist/index.js';

const [folder] = process.argv.slice(2);
const [steps, batch, side, chain] = [100, 4, 16, 1000];
mkdirSync(folder, { recursive: true });
await useEngine('cpu');

const networks = {
  cunet: new CUNet({ inChannels: 1, channels: 8, imageSize: side, seed: 1 }),
  unet: new UNet({ preset: 'lucidrains', inChannels: 1, dim: 8, imageSize: side, seed: 1 }),
};
for (const [name, network] of Object.entries(networks)) {
  await saveSafetensors(network.stateDict(), join(folder, `${name}.safetensors`));
}

// As the Trainer draws them: step n from fork n of the seed, timesteps first, then the noise.
const images = new Float32Array(steps * batch * side * side);
const noise = new Float32Array(images.length);
const timesteps = new Float32Array(steps * batch);
const size = images.length / steps;
for (let step = 0; step < steps; step++) {
  const random = createGenerator(7).fork(step);
  for (let i = 0; i < batch; i++) timesteps[step * batch + i] = random.integer(chain);
  random.fillNormal(noise.subarray(step * size, (step + 1) * size));
  images.set(picturesOf(step), step * size);
}
const shape = [steps, batch, side, side, 1];
await saveNpz(
  {
    images: { dtype: 'float32', shape, data: images },
    noise: { dtype: 'float32', shape, data: noise },
    timesteps: { dtype: 'float32', shape: [steps, batch], data: timesteps },
  },
  join(folder, 'draws.npz'),
);

/** Waves of random direction and phase in [-1, 1]. */
function picturesOf(step) {
  const random = createGenerator(11).fork(step);
  const values = new Float32Array(size);
  for (let i = 0; i < batch; i++) {
    const [a, b, phase] = [random.uniform(), random.uniform(), 6 * random.uniform()];
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) values[(i * side + y) * side + x] = Math.sin(a * x + b * y + phase);
    }
  }
  return values;
}
