/**
 * Trains one of the published models from the start, or goes on where it was interrupted. On one core about three hours for the cU-Net
 * and six for the U-Net, without the run of large batches, which is for a graphics card (`native install --gpu`; ten minutes).
 *
 *   node training/train.mjs --model cunet --out RUN [--threads 1]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { commandsOf } from './recipe.mjs';

const { values } = parseArgs({
  options: { model: { type: 'string' }, out: { type: 'string' }, threads: { type: 'string', default: '1' } },
});
const { model, out, threads } = values;
const command = fileURLToPath(new URL('../bin/missing-u.js', import.meta.url));

for (const { run, until, args } of commandsOf(model, out)) {
  const done = stepsOf(run);
  if (done >= until) continue;
  // A run that was interrupted before the end of its first part goes on like the others.
  const again = done > 0 ? ['train', '--resume', run, ...args.slice(args.indexOf('--steps'))] : args;
  const { status } = spawnSync(process.execPath, [command, ...again, '--threads', threads], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** Optimiser steps that a run has made, 0 where there is none. */
function stepsOf(run) {
  const log = join(run, 'metrics.jsonl');
  const last = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').at(-1) : '';
  return last === '' ? 0 : JSON.parse(last).step;
}
