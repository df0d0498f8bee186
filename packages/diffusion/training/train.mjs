/**
 * Trains one of the published models from the start, or goes on where it was interrupted. About two hours for the cU-Net and
 * four for the U-Net on one core each.
 *
 *   node training/train.mjs --model cunet --out RUN [--threads 1]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { commandsOf, recipe } from './recipe.mjs';

const { values } = parseArgs({
  options: { model: { type: 'string' }, out: { type: 'string' }, threads: { type: 'string', default: '1' } },
});
const { model, out, threads } = values;
const command = fileURLToPath(new URL('../bin/missing-u.js', import.meta.url));

for (const [part, args] of commandsOf(model, out).entries()) {
  const done = stepsOf(out);
  if (done >= recipe[part].until) continue;
  // The first command starts a run; if that was interrupted, it goes on like the others.
  const again = part === 0 && done > 0 ? ['train', '--resume', out, ...args.slice(args.indexOf('--steps'))] : args;
  const { status } = spawnSync(process.execPath, [command, ...again, '--threads', threads], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** Optimiser steps that a run has made, 0 where there is none. */
function stepsOf(run) {
  const log = join(run, 'metrics.jsonl');
  const last = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').at(-1) : '';
  return last === '' ? 0 : JSON.parse(last).step;
}
