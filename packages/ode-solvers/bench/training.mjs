/**
 * Training steps: the spiral neural ODE of torchdiffeq's examples (batch 20, 2-50-2, y³ in front, ten times, dopri5 at 1e-7
 * and 1e-9), and a block of two 3x3 convolutions of 64 channels on 8x32x32x64 with rk4, 8 steps; direct and adjoint, against
 * torchdiffeq where the Python references are installed. `node training.mjs [engine] [spiral|block]`; ratios are what counts: ours
 * over theirs.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { useEngine } from '@missing-u/engine';
import { adjoint, direct, odeint } from '@missing-u/ode-solvers';
import * as tf from '@tensorflow/tfjs-core';

const python = fileURLToPath(new URL('../../../tools/reference/.venv/bin/python', import.meta.url));
const script = fileURLToPath(new URL('../../../tools/reference/ode-solvers/torchdiffeq_speed.py', import.meta.url));
const tasks = {
  'spiral, direct': spiral(direct),
  'spiral, adjoint': spiral(adjoint),
  'block, direct': block(direct),
  'block, adjoint': block(adjoint),
};
const [engine = 'cpu', only = ''] = process.argv.slice(2);
const theirs = existsSync(python) ? JSON.parse(execFileSync(python, [script, only], { encoding: 'utf8' })) : {};
await useEngine(engine);
const rows = Object.entries(tasks)
  .filter(([name]) => name.startsWith(only))
  .map(([name, make]) => {
    const ms = milliseconds(make());
    return {
      task: name,
      engine,
      ms: Number(ms.toFixed(1)),
      torchdiffeq: theirs[name]?.toFixed(1),
      ratio: (ms / theirs[name]).toFixed(2),
    };
  });
console.table(rows);

function milliseconds(step) {
  step();
  const times = [];
  const begin = performance.now();
  // Long enough for the compiler of JavaScript to have done its work, as in a training.
  while (times.length < 3 || performance.now() - begin < 5000) {
    const start = performance.now();
    step();
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}

function variables(shapes, scale) {
  return shapes.map((shape) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return tf.variable(
      tf.tensor(
        Float32Array.from({ length: size }, (_, i) => scale * Math.sin(1 + 7 * i)),
        shape,
      ),
    );
  });
}

function step(loss, weights) {
  const { value, grads } = tf.variableGrads(loss, weights);
  value.dataSync();
  for (const grad of Object.values(grads)) grad.dataSync();
  tf.dispose([value, grads]);
}

function spiral(gradient) {
  return () => {
    const weights = variables([[2, 50], [50], [50, 2], [2]], 0.1);
    const [w1, b1, w2, b2] = weights;
    const y0 = tf.tensor(
      Float32Array.from({ length: 40 }, (_, i) => 2 * Math.cos(i)),
      [20, 1, 2],
    );
    const times = Array.from({ length: 10 }, (_, i) => (25 * i) / 999);
    const f = (_t, y) => {
      const flat = tf.reshape(tf.mul(tf.mul(y, y), y), [20, 2]);
      const hidden = tf.tanh(tf.add(tf.matMul(flat, w1), b1));
      return tf.reshape(tf.add(tf.matMul(hidden, w2), b2), [20, 1, 2]);
    };
    return () => step(() => tf.mean(tf.abs(odeint(f, y0, times, { gradient: gradient() }).ys)), weights);
  };
}

function block(gradient) {
  return () => {
    const weights = variables([[3, 3, 64, 64], [64], [3, 3, 64, 64], [64]], 0.01);
    const [w1, b1, w2, b2] = weights;
    const y0 = tf.tensor(
      Float32Array.from({ length: 8 * 32 * 32 * 64 }, (_, i) => Math.sin(i)),
      [8, 32, 32, 64],
    );
    const f = (_t, y) => {
      const hidden = tf.relu(tf.add(tf.conv2d(y, w1, 1, 'same'), b1));
      return tf.add(tf.conv2d(hidden, w2, 1, 'same'), b2);
    };
    const options = { method: 'rk4', stepSize: 1 / 8, checkFinite: false, gradient: gradient() };
    return () => step(() => tf.mean(tf.square(odeint(f, y0, [0, 1], options).ys)), weights);
  };
}
