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

/** What a published model took and reaches, in the model's folder. */
const numbersFile = (folder: string) => join(folder, 'numbers.json');

/** A network and how it was trained; the caller disposes it. */
export interface TrainedModel {
  /** Of the last run, where several followed each other. */
  config: RunConfig;
  /** Optimiser steps that were made, and the images in their batches: of all runs for a published model. */
  steps: number;
  images: number;
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
    const known = pretrainedModels();
    const message =
      known.length > 0
        ? unknownName('model', name, known)
        : `\`${name}\` is not the folder of a training run, and no trained models are installed: npm install @missing-u/pretrained.`;
    throw new DiffusionError('DIFFUSION_NOT_A_MODEL', `${message} Or name the folder of a training run.`);
  }
  if (existsSync(trainingFile(folder))) {
    const config = trainingConfig(folder)!;
    const numbers = numbersFile(folder);
    const taken = existsSync(numbers) ? (readJson(numbers) as { trainedSteps?: number; trainedImages?: number }) : {};
    const { trainedSteps: steps = config.steps, trainedImages: images = imagesOf(config, steps) } = taken;
    return { config, steps, images, model: (await loadPipeline(folder)).unet };
  }
  const steps = Number(/(\d+)$/.exec(checkpointOf(folder))![1]);
  const run = await loadRun(folder);
  return { ...run, steps, images: imagesOf(run.config, steps) };
}

function imagesOf({ batch, accumulate }: RunConfig, steps: number): number {
  return steps * batch * accumulate;
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** How a model was trained, where that is known: of runs and of published models. */
export function trainingConfig(name: string): RunConfig | undefined {
  const folder = publishedFolder(name);
  if (existsSync(trainingFile(folder))) {
    return resolveConfig(readJson(trainingFile(folder)) as Record<string, unknown>);
  }
  return isRunFolder(folder) ? readRunConfig(folder) : undefined;
}

/** A network's folder has a `config.json` too, but with the name of its class. */
function isRunFolder(folder: string): boolean {
  return existsSync(configFile(folder)) && !('_class_name' in (readJson(configFile(folder)) as object));
}
