import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiffusionError } from '../errors.ts';
import { listCheckpoints } from './checkpoint.ts';
import { resolveConfig, type RunConfig } from './config.ts';

export const configFile = (run: string) => join(run, 'config.json');
export const metricsFile = (run: string) => join(run, 'metrics.jsonl');
export const checkpointsOf = (run: string) => join(run, 'checkpoints');

/**
 * The configuration that a run was started with.
 *
 * @throws DiffusionError `DIFFUSION_NOT_A_RUN`
 */
export function readRunConfig(run: string): RunConfig {
  return resolveConfig(readJson(configFile(run), `\`${run}\` is not the folder of a training run`));
}

/** A configuration file of a user. */
export function readConfigFile(path: string): Record<string, unknown> {
  return readJson(path, 'The configuration cannot be read');
}

/**
 * Path of the newest checkpoint of a run.
 *
 * @throws DiffusionError `DIFFUSION_NO_CHECKPOINT`
 */
export function latestCheckpoint(run: string): string {
  const latest = listCheckpoints(checkpointsOf(run)).at(-1);
  if (latest !== undefined) return latest;
  const message = `There is no checkpoint in \`${run}\`. Train there first: missing-u train --out ${run}`;
  throw new DiffusionError('DIFFUSION_NO_CHECKPOINT', message);
}

function readJson(path: string, problem: string): Record<string, unknown> {
  if (!existsSync(path)) throw new DiffusionError('DIFFUSION_NOT_A_RUN', `${problem}: there is no \`${path}\`.`);
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DiffusionError('DIFFUSION_NOT_A_RUN', `${problem}: \`${path}\` is not JSON (${reason}).`, { cause });
  }
}
