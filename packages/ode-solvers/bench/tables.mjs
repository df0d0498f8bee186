/**
 * Prints the tables of docs/ode-solvers.md, and writes its plot: methods by error, evaluations and milliseconds (float64,
 * van der Pol's oscillator), gradients by evaluations, time and memory, and how far the adjoint is from the gradient of the computed
 * solution. `node tables.mjs [engine] [methods|gradients|plot]`.
 */
import { writeFileSync } from 'node:fs';
import { vjp } from '@missing-u/autodiff';
import { useEngine } from '@missing-u/engine';
import { adjoint, checkpointed, direct, integrate, reversible } from '@missing-u/ode-solvers';
import { odeint } from '@missing-u/ode-solvers/float64';
import * as tf from '@tensorflow/tfjs-core';

await useEngine(process.argv[2] ?? 'wasm');
const sections = { methods, gradients, plot };
for (const [name, run] of Object.entries(sections)) if (name.startsWith(process.argv[3] ?? '')) run();

function methods() {
  const f = (_t, [x, v]) => [v, (1 - x * x) * v - x];
  const exact = odeint(f, [2, 0], [0, 10], { method: 'dopri8', rtol: 1e-13, atol: 1e-15 }).ys[1];
  console.log('| method | 1e-3 | 1e-6 | 1e-9 |\n| --- | --- | --- | --- |');
  for (const method of ['adaptive_heun', 'bosh3', 'dopri5', 'tsit5', 'dopri8', 'kvaerno3']) {
    const cells = [1e-3, 1e-6, 1e-9].map((tolerance) => {
      if (method === 'adaptive_heun' && tolerance === 1e-9) return '-';
      const run = () => odeint(f, [2, 0], [0, 10], { method, rtol: tolerance, atol: tolerance, maxNumSteps: 1e7 });
      const { ys, stats } = run();
      const error = Math.max(...ys[1].map((value, i) => Math.abs(value - exact[i])));
      const begin = performance.now();
      const times = [];
      while (times.length < 3 || performance.now() - begin < 150) {
        const start = performance.now();
        run();
        times.push(performance.now() - start);
      }
      return `${error.toExponential(1)}, ${stats.nfe}, ${Number(Math.min(...times).toPrecision(2))}`;
    });
    console.log(`| \`${method}\` | ${cells.join(' | ')} |`);
  }
}

function network(activation, width = 32) {
  const fill = (shape, scale) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return tf.tensor(
      Float32Array.from({ length: size }, (_, i) => scale * Math.sin(1 + 12.9898 * i * i)),
      shape,
    );
  };
  const [w1, w2] = [fill([width, width], 0.25), fill([width, width], 0.25)];
  const field = (_t, y) => tf.matMul(activation(tf.matMul(y, w1)), w2);
  return { field, weights: [w1, w2], y0: fill([32, width], 1) };
}

function gradientOf({ field, weights, y0 }, options, watch = (f) => f) {
  const run = (y) =>
    tf.sum(tf.square(integrate(watch(field), y, 0, 1, { method: 'rk4', checkFinite: false, ...options }).y));
  return vjp((y) => run(y), [y0, ...weights]);
}

function gradients() {
  const problem = network(tf.tanh);
  console.log(
    '\n| gradient | evaluations | time | peak memory, 16 steps | 64 steps |\n| --- | --- | --- | --- | --- |',
  );
  const kinds = {
    'direct()': direct,
    'checkpointed()': checkpointed,
    'checkpointed({ snapshots: 4 })': () => checkpointed({ snapshots: 4 }),
    'reversible()': reversible,
    'adjoint()': adjoint,
  };
  let base;
  for (const [name, make] of Object.entries(kinds)) {
    const measure = (steps, repeats) => {
      const before = tf.memory().numBytes;
      let [peak, count] = [0, 0];
      const watch = (f) => (t, y) => {
        count++;
        peak = Math.max(peak, tf.memory().numBytes - before);
        return f(t, y);
      };
      const options = { stepSize: 1 / steps, gradient: make() };
      tf.dispose(gradientOf(problem, options, watch));
      const times = Array.from({ length: repeats }, () => {
        const start = performance.now();
        const grads = gradientOf(problem, options);
        grads[0].dataSync();
        tf.dispose(grads);
        return performance.now() - start;
      });
      return { peak, count, ms: Math.min(...times) };
    };
    const [few, many] = [measure(16, 3), measure(64, 0)];
    base ??= few.ms;
    const kib = (bytes) => `${Math.round(bytes / 1024)} KiB`;
    console.log(
      `| \`${name}\` | ${few.count} | ${(few.ms / base).toFixed(1)} | ${kib(few.peak)} | ${kib(many.peak)} |`,
    );
  }
}

/** Relative error of the gradient of the first weight, adjoint against direct, by the number of rk4 steps. */
function plot() {
  const counts = [1, 2, 4, 8, 16];
  const curves = Object.entries({ tanh: tf.tanh, relu: tf.relu }).map(([name, activation]) => {
    const problem = network(activation, 16);
    const errors = counts.map((steps) =>
      tf.tidy(() => {
        const [, a] = gradientOf(problem, { stepSize: 1 / steps, gradient: adjoint() });
        const [, d] = gradientOf(problem, { stepSize: 1 / steps });
        return tf.div(tf.norm(tf.sub(a, d)), tf.norm(d)).dataSync()[0];
      }),
    );
    console.log(`\n${name}: ${errors.map((error, i) => `${counts[i]} steps ${error.toExponential(1)}`).join(', ')}`);
    return { name, errors };
  });
  const x = (i) => 80 + i * 80;
  const y = (error) => 20 + (-Math.log10(Math.max(error, 1e-7)) / 7) * 220;
  const colours = { tanh: '#1f6fb4', relu: '#c4511a' };
  const lines = curves.map(({ name, errors }) => {
    const points = errors.map((error, i) => `${x(i)},${y(error).toFixed(1)}`).join(' ');
    const dots = errors.map(
      (error, i) => `<circle cx="${x(i)}" cy="${y(error).toFixed(1)}" r="3" fill="${colours[name]}"/>`,
    );
    const label = `<text x="${x(4) + 8}" y="${(y(errors[4]) + 4).toFixed(1)}" fill="${colours[name]}">${name}</text>`;
    return `<polyline points="${points}" fill="none" stroke="${colours[name]}" stroke-width="2"/>${dots.join('')}${label}`;
  });
  const grid = Array.from({ length: 8 }, (_, k) => {
    const at = y(10 ** -k);
    return `<line x1="60" x2="440" y1="${at}" y2="${at}" stroke="#ddd"/><text x="54" y="${at + 4}" text-anchor="end">1e-${k}</text>`;
  });
  const ticks = counts.map((steps, i) => `<text x="${x(i)}" y="258" text-anchor="middle">${steps}</text>`);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 500 290" font-family="sans-serif" font-size="12">
<rect width="500" height="290" fill="white"/>
${grid.join('\n')}
${ticks.join('\n')}
${lines.join('\n')}
<text x="245" y="280" text-anchor="middle">steps of rk4, forwards and backwards</text>
</svg>
`;
  writeFileSync(new URL('../../../docs/ode-solvers-adjoint.svg', import.meta.url), svg);
}
