/**
 * Steps of 16x64x64x3 float32 numbers on plain arrays, each beside the same step in numpy (`PYTHON=<interpreter>`): the
 * median of 300, and the ratio of ours to theirs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as schedulers from '@missing-u/schedulers';

const draw = (seed) => schedulers.createGenerator(seed).fillNormal(new Float32Array(16 * 64 * 64 * 3));
const [sample, output, noise] = [draw(1), draw(2), draw(3)];

/** Times a step in the middle of ten; schedulers that look back are given a first one. */
function time(name, options = {}) {
  const scheduler = new schedulers[name](options);
  const times = [];
  for (let repeat = 0; repeat < 400; repeat++) {
    scheduler.setTimesteps(10);
    const [first, second] = scheduler.timesteps.subarray(4);
    scheduler.step(output, first, sample, { noise });
    const begin = performance.now();
    scheduler.step(output, second, sample, { noise });
    times.push(1000 * (performance.now() - begin));
  }
  return Math.round(times.slice(100).sort((a, b) => a - b)[150]);
}

const script = fileURLToPath(new URL('../../../tools/reference/schedulers/numpy_step.py', import.meta.url));
const local = fileURLToPath(new URL('../../../tools/reference/.venv/bin/python', import.meta.url));
const python = process.env.PYTHON ?? (existsSync(local) ? local : 'python3');
const { status, stdout } = spawnSync(python, [script], { encoding: 'utf8' });
const numpy = status === 0 ? JSON.parse(stdout) : {};
for (const [name, options] of [
  ['DDIMScheduler'],
  ['DDPMScheduler'],
  ['EulerDiscreteScheduler'],
  ['DPMSolverMultistepScheduler'],
]) {
  const ours = time(name, options);
  const theirs =
    numpy[name] === undefined ? 'no numpy' : `numpy ${numpy[name]} us, ratio ${(ours / numpy[name]).toFixed(2)}`;
  console.log(`${name}: ${ours} us, ${theirs}`);
}
