import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiffusionError } from '../errors.ts';
import { findCheckpoint } from './checkpoint.ts';
import { resolveConfig, type RunConfig } from './config.ts';

export const configFile = (run: string) => join(run, 'config.json');
export const metricsFile = (run: string) => join(run, 'metrics.jsonl');
export const validationFile = (run: string) => join(run, 'validation.jsonl');
export const evaluationFile = (run: string) => join(run, 'evaluation.jsonl');
export const lossPlotFile = (run: string) => join(run, 'loss.png');
export const samplesOf = (run: string) => join(run, 'samples');
export const checkpointsOf = (run: string) => join(run, 'checkpoints');

/**
 * The configuration that a run was started with.
 *
 * @throws DiffusionError `DIFFUSION_NOT_A_RUN`
 */
export function readRunConfig(run: string): RunConfig {
  return resolveConfig(readJson(configFile(run), `\`${run}\` is not the folder of a training run`));
}

/**
 * Path of a checkpoint of a run, by default of the newest.
 *
 * @throws DiffusionError `DIFFUSION_NO_CHECKPOINT`, `DIFFUSION_UNKNOWN_CHECKPOINT`
 */
export function checkpointOf(run: string, name?: string): string {
  const found = findCheckpoint(checkpointsOf(run), name);
  if (found !== undefined) return found;
  const message = `There is no checkpoint in \`${run}\` yet. Let it train first: missing-u train --resume ${run}`;
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
