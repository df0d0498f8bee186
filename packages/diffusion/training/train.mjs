/**
 * Trains one of the published models from the start, or goes on where it was interrupted. On one core, mnist-cunet takes about three
 * hours and mnist-unet six, without the three runs of large batches, which are for a graphics card (`native install --gpu`; 25 minutes).
 * The faces take a quarter of that.
 *
 *   node training/train.mjs --name mnist-cunet --out RUN [--root FOLDER] [--threads 1]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { commandsOf, modelOf, setOf } from './commands.mjs';

const { values } = parseArgs({
  options: {
    name: { type: 'string' },
    out: { type: 'string' },
    root: { type: 'string' },
    threads: { type: 'string', default: '1' },
  },
});
const { name, out, root, threads } = values;
const command = fileURLToPath(new URL('../bin/missing-u.js', import.meta.url));

for (const { run, until, args } of commandsOf(await setOf(name), modelOf(name), out)) {
  const done = stepsOf(run);
  if (done >= until) continue;
  // A run that was interrupted before the end of its first part goes on like the others.
  const again = done > 0 ? ['train', '--resume', run, ...args.slice(args.indexOf('--steps'))] : args;
  const place = root === undefined ? [] : ['--root', root];
  const { status } = spawnSync(process.execPath, [command, ...again, ...place, '--threads', threads], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** Optimiser steps that a run has made, 0 where there is none. */
function stepsOf(run) {
  const log = join(run, 'metrics.jsonl');
  const last = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').at(-1) : '';
  return last === '' ? 0 : JSON.parse(last).step;
}
