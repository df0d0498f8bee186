/**
 * Loss and gradients of the continuous U-Net as a graph: what a process takes at its highest, by gradient and memory budget.
 * Each in a process of its own; Linux only.
 *
 *     node bench/compiled-memory.mjs [batch=16] [side=64] [steps=1] [rounds=3]
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { CUNet } from '@missing-u/cunet';
import { compile, useEngine } from '@missing-u/engine';

const [first, ...rest] = process.argv.slice(2);
if (first === 'one') await measure(...rest);
else {
  const shape = [first ?? '16', ...[rest[0] ?? '64', rest[1] ?? '1', rest[2] ?? '3']];
  const one = (...args) => {
    const { stdout, stderr } = spawnSync(process.execPath, [import.meta.filename, 'one', ...args, ...shape]);
    if (stdout.length === 0) throw new Error(`${stderr}`);
    return JSON.parse(`${stdout}`);
  };
  const direct = one('direct', 'Infinity');
  const row = (name, { estimate, recomputed, highest, milliseconds, planning }) =>
    console.log(
      `| ${name} | ${[estimate, recomputed, highest, highest - direct.highest, milliseconds].map(Math.round).join(' | ')} | ` +
        `${(milliseconds / direct.milliseconds).toFixed(2)} | ${(planning / 1e3).toFixed(1)} |`,
    );
  console.log(
    '| gradient | estimate, MB | recomputed operations | process, MB | to direct, MB | ms | to direct | first run, s |',
  );
  console.log(`| --- |${' ---: |'.repeat(7)}`);
  row('direct', direct);
  row('checkpointed', one('checkpointed', 'Infinity'));
  for (const share of [0.75, 0.5, 0.375]) {
    const budget = share * direct.estimate * 1e6;
    row(`direct, memoryBudget ${Math.round(budget / 1e6)} MB`, one('direct', `${budget}`));
  }
}

async function measure(gradient, budget, ...numbers) {
  const [batch, side, steps, rounds] = numbers.map(Number);
  await useEngine('native', { threads: 2 });
  const model = new CUNet({ gradient, imageSize: side, solver: { steps } });
  const variables = model.parameters().map(({ variable }) => variable);
  const step = compile(
    (images, times) => {
      const loss = () => tf.mean(tf.square(model.predict(images, times)));
      const { value, grads } = tf.variableGrads(loss, variables);
      return [value, ...Object.values(grads)];
    },
    { memoryBudget: Number(budget) },
  );
  const images = tf.reshape(tf.sin(tf.range(0, batch * side * side * 3)), [batch, side, side, 3]);
  const times = tf.range(0, batch);
  const taken = [];
  for (let round = 0; round < rounds + 2; round++) {
    const begin = performance.now();
    const results = step(images, times);
    results.forEach((result) => result.dataSync());
    tf.dispose(results);
    taken.push(performance.now() - begin);
  }
  const { memory, optimizeMilliseconds } = step.stats.graphs[0];
  const highest = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1.024e-3;
  const milliseconds = Math.min(...taken.slice(2));
  const { peakBytes, recomputed } = memory;
  console.log(
    JSON.stringify({ estimate: peakBytes / 1e6, recomputed, highest, milliseconds, planning: optimizeMilliseconds }),
  );
  process.exit(0);
}
