import * as tf from '@tensorflow/tfjs-core';
import { peakBytes } from '../kernels.ts';
import { resolveConfig, type RunConfig } from './config.ts';
import { datasetChannels, makeModel } from './registry.ts';
import { makeTrainer } from './train-run.ts';

/** What a training run will take on this machine, extrapolated from a few steps. */
export interface TrainingEstimate {
  secondsPerStep: number;
  /** Of the optimiser steps that are left; checkpoints, samples and validations come on top. */
  seconds: number;
  /** Tensors of one step run operation by operation; a compiled step takes about half of it. */
  bytes: number;
}

/** Images of the steps that are measured; where these are quick, so many that what a step costs by itself weighs little. */
const [FEW_IMAGES, MORE_IMAGES] = [8, 32];
const QUICK_SECONDS = 0.5;

/**
 * Measures steps on empty images, without the data set and without a folder.
 *
 * @param options.made optimiser steps that the run has behind it
 */
export async function estimateTraining(
  config: RunConfig,
  { compile = true, made = 0 } = {},
): Promise<TrainingEstimate> {
  const secondsOf = (batch: number) => secondsOfStep({ ...config, batch }, { compile });
  let measured = Math.min(FEW_IMAGES, config.batch);
  let seconds = await secondsOf(measured);
  if (measured < config.batch && seconds < QUICK_SECONDS) {
    measured = Math.min(MORE_IMAGES, config.batch);
    seconds = await secondsOf(measured);
  }
  const secondsPerStep = seconds * (config.batch / measured) * config.accumulate;
  const [one, two] = [await bytesOfStep(config, 1), await bytesOfStep(config, 2)];
  const bytes = one + (two - one) * (config.batch - 1);
  return { secondsPerStep, seconds: secondsPerStep * (config.steps - made), bytes };
}

/** The time of one batch, on empty images: the median of `repeats` after one that prepares the graph and one that is still slow. */
export async function secondsOfStep(config: RunConfig, { compile = true, repeats = 1 } = {}): Promise<number> {
  return withTrainer(config, config.batch, compile, async (step) => {
    await step();
    await step();
    const times: number[] = [];
    while (times.length < repeats) {
      const begin = performance.now();
      await step();
      times.push((performance.now() - begin) / 1000);
    }
    return times.toSorted((a, b) => a - b)[repeats >> 1]!;
  });
}

async function bytesOfStep(config: RunConfig, batch: number): Promise<number> {
  return withTrainer(config, batch, false, async (step) => {
    await step();
    let running: Promise<void> | undefined;
    // Everything is computed before the step waits for its loss.
    const peak = peakBytes(() => {
      running = step();
    });
    await running;
    return peak + tf.memory().numBytes;
  });
}

async function withTrainer<T>(
  config: RunConfig,
  batch: number,
  compile: boolean,
  work: (step: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const single = resolveConfig({ ...config, batch, accumulate: 1, classConditioning: false });
  const model = makeModel(single);
  const trainer = makeTrainer(single, model, { compile });
  const images = tf.zeros<tf.Rank.R4>([batch, config.size, config.size, datasetChannels(config)]);
  try {
    return await work(async () => void (await trainer.trainStep({ images })));
  } finally {
    images.dispose();
    trainer.dispose();
    model.dispose();
  }
}
