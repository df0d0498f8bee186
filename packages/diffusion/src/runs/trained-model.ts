import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unknownName } from '@missing-u/errors';
import { DiffusionError } from '../errors.ts';
import type { Network } from '../networks.ts';
import { pretrainedModels, publishedFolder } from '../pipelines/package-folder.ts';
import { loadPipeline } from '../pipelines/pretrained.ts';
import { resolveConfig, type RunConfig } from './config.ts';
import { loadRun } from './load-run.ts';
import { checkpointOf, configFile, readRunConfig } from './run-folder.ts';

/** How a published model was trained: the configuration of its run, in the model's folder. */
export const trainingFile = (folder: string) => join(folder, 'training.json');

/** A network and how it was trained; the caller disposes it. */
export interface TrainedModel {
  config: RunConfig;
  /** Optimiser steps that were made. */
  steps: number;
  model: Network;
}

/**
 * A trained network by the folder of its run, or a published one that brings its `training.json`, by folder or by name
 * (`mnist-cunet`, `@missing-u/pretrained/mnist-cunet`).
 *
 * @throws DiffusionError `DIFFUSION_NOT_A_MODEL`, and as `loadRun` and `loadPipeline`
 */
export async function loadTrained(name: string): Promise<TrainedModel> {
  const folder = publishedFolder(name);
  if (!existsSync(folder)) {
    const message = unknownName('model', name, pretrainedModels());
    throw new DiffusionError('DIFFUSION_NOT_A_MODEL', `${message} Or name the folder of a training run.`);
  }
  if (existsSync(trainingFile(folder))) {
    const config = trainingConfig(folder)!;
    return { config, steps: config.steps, model: (await loadPipeline(folder)).unet };
  }
  const steps = Number(/(\d+)$/.exec(checkpointOf(folder))![1]);
  return { ...(await loadRun(folder)), steps };
}

/** How a model was trained, where that is known: of runs and of published models. */
export function trainingConfig(name: string): RunConfig | undefined {
  const folder = publishedFolder(name);
  if (existsSync(trainingFile(folder))) {
    return resolveConfig(JSON.parse(readFileSync(trainingFile(folder), 'utf8')) as Record<string, unknown>);
  }
  return isRunFolder(folder) ? readRunConfig(folder) : undefined;
}

/** A network's folder has a `config.json` too, but with the name of its class. */
function isRunFolder(folder: string): boolean {
  return (
    existsSync(configFile(folder)) &&
    !('_class_name' in (JSON.parse(readFileSync(configFile(folder), 'utf8')) as object))
  );
}
