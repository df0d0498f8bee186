/**
 * DnCNN of 17 layers on grey images of 256x256 pixels: the native engine, compiled and not, and PyTorch in the same run where
 * Python has it (`PYTHON=<interpreter>`). The median of some calls, and the ratio of PyTorch's time to ours.
 *
 *     node bench/dncnn.mjs [images=1] [rounds=9]
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { DnCNN } from '@missing-u/denoisers';
import { compile, useEngine } from '@missing-u/engine';

const [images = '1', rounds = '9'] = process.argv.slice(2);
const { name, version } = await useEngine('native');
const model = new DnCNN();
const noisy = tf.randomUniform([Number(images), 256, 256, 1], 0, 1, 'float32', 0);

async function time(run) {
  const times = [];
  for (let round = 0; round < Number(rounds) + 3; round++) {
    const begin = performance.now();
    const clean = run(noisy);
    await clean.data();
    clean.dispose();
    if (round > 2) times.push((performance.now() - begin) / 1000);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

const ours = { compiled: await time(compile((x) => model.denoise(x))), eager: await time((x) => model.denoise(x)) };
for (const [how, seconds] of Object.entries(ours)) console.log(`${name} ${version}, ${how}: ${seconds.toFixed(3)} s`);
const script = fileURLToPath(new URL('../../../tools/reference/denoisers/dncnn_time.py', import.meta.url));
const local = fileURLToPath(new URL('../../../tools/reference/.venv/bin/python', import.meta.url));
const python = process.env.PYTHON ?? (existsSync(local) ? local : 'python3');
const { status, stdout } = spawnSync(python, [script, images, rounds], { encoding: 'utf8' });
if (status === 0) {
  const theirs = Number(stdout);
  const speeds = Object.entries(ours).map(([how, seconds]) => `${how} ${(theirs / seconds).toFixed(2)}`);
  console.log(`PyTorch: ${theirs.toFixed(3)} s; our speed over PyTorch's: ${speeds.join(', ')}`);
} else console.log('PyTorch is not there: set PYTHON to an interpreter that has it');
process.exit(0);
