import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { summary, type SummarizedModel } from '@missing-u/unet-blocks';
import * as Plot from '@observablehq/plot';
import { evaluate } from '../evaluation/evaluate.ts';
import type { Network } from '../networks.ts';
import { nextTurn } from '../next-turn.ts';
import { DiffusionPipeline } from '../pipelines/diffusion-pipeline.ts';
import { figure, palette } from '../plots/figure.ts';
import { resolveConfig, resumedConfig, type RunConfig } from '../runs/config.ts';
import { secondsOfStep } from '../runs/estimate.ts';
import { featuresFor, openDistance, type TrainingDistance } from '../runs/features.ts';
import { MetricsLog } from '../runs/metrics-log.ts';
import { datasetChannels, makeModel, makeScheduler } from '../runs/registry.ts';
import { configFile, evaluationFile, readRunConfig } from '../runs/run-folder.ts';
import { trainRun } from '../runs/train-run.ts';
import type { ExperimentResult } from './experiment.ts';

/** What a network differs in from the default one. */
export interface Choice {
  name: string;
  model?: 'cunet' | 'unet';
  modelOptions?: Record<string, unknown>;
  /** Channels as a multiple of the cU-Net's. */
  width?: number;
}

/** What the paper leaves open or its code answers otherwise, one at a time, and the two U-Nets; another one is one line. */
export const choices: readonly Choice[] = [
  { name: 'cU-Net (default)' },
  { name: 'without attention', modelOptions: { preset: 'cunet-woA' } },
  { name: 'without residual', modelOptions: { preset: 'cunet-woR' } },
  { name: 'without both', modelOptions: { preset: 'cunet-woAR' } },
  { name: 'first order', modelOptions: { preset: 'cunet-fo' } },
  { name: 'no diffusion time', modelOptions: { timeConditioning: 'none' } },
  { name: 'time embedding of 128', modelOptions: { timeSize: 128 } },
  { name: 'integration time in f', modelOptions: { integrationTime: true } },
  { name: 'SiLU', modelOptions: { activation: 'silu' } },
  { name: 'softplus', modelOptions: { activation: 'softplus' } },
  { name: 'f ends linear', modelOptions: { accelerationOutput: 'linear' } },
  { name: 'f ends linear, SiLU', modelOptions: { accelerationOutput: 'linear', activation: 'silu' } },
  { name: 'g ends activated', modelOptions: { velocityOutput: 'activated' } },
  { name: 'published stem', modelOptions: { stem: 'published' } },
  { name: 'bare attention', modelOptions: { attentionResidual: false } },
  { name: 'last layer from 0', modelOptions: { outputInitializer: 'zeros' } },
  { name: 'two steps of rk4', modelOptions: { solver: { steps: 2 } } },
  { name: 'U-Net, equal parameters', model: 'unet' },
  { name: 'U-Net, four times', model: 'unet', width: 2 },
];

/** The recipe of the shipped models, with phases in proportion, and averages that forget in proportion. */
const recipe = (steps: number, batch: number): Partial<RunConfig> => ({
  steps,
  batch,
  learningRate: 1.5e-3,
  learningRateSchedule: 'warmup_stable_decay',
  warmupSteps: Math.floor(steps / 8),
  decaySteps: Math.floor((3 * steps) / 8),
  emaDecay: 0.98,
  timestepSampling: 'stratified',
  checkpointEvery: steps,
  sampleEvery: 0,
});

/** DDIM steps of the samples whose distance is measured. */
const SAMPLING_STEPS = 50;

export interface ChoicesOptions {
  /** Data set, size, chain and channels are the cU-Net's of this configuration. */
  config: RunConfig;
  /** Optimiser steps of each network. */
  steps: number;
  /** Images of a step; default 32. */
  batch?: number;
  /** Samples of the Fréchet distance. */
  samples: number;
  /** pytorch-fid's weights for it; without them, digits have features of their own. */
  weights?: string;
  seed: number;
  /** Default `choices`; the last one is what costs are compared with. */
  networks?: readonly Choice[];
  /** Where the runs live: what has been trained there already, by the same recipe, is not trained again. */
  folder: string;
  onProgress?: (done: number, total: number, what: string) => void;
  signal?: AbortSignal;
}

export interface MeasuredChoice {
  name: string;
  parameters: number;
  /** Multiply-adds of one call on one image. */
  operations: number;
  /** Mean over the last quarter of the steps: in less than an epoch, of images that the network has not seen before. */
  loss: number;
  distance: number;
  secondsPerStep: number;
}

/**
 * Equal short trainings of the default network and of those that differ from it in one thing. What is compared is measured on
 * training images, so that the default is not chosen by the images that other tables report on.
 */
export async function choicesTable(options: ChoicesOptions): Promise<ExperimentResult> {
  const { config, steps, batch = 32 } = options;
  const { rows, distanceName } = await measureChoices(options);
  const baseline = rows.at(-1)!;
  const table = {
    caption:
      `Each network trained alike for ${steps} steps of ${batch} images of ${config.dataset}, ${config.size} x ${config.size}, seed ${options.seed}: ` +
      `loss is the mean over the last quarter of the steps, ${distanceName} that of ${options.samples} samples of DDIM with ${SAMPLING_STEPS} steps. ` +
      `A budget so small tells which learns faster, and one seed does not tell small differences. Not in the paper, except for the ablations of Table 5.`,
    columns: ['network', 'parameters', 'of U-Net', 'operations of U-Net', 'loss', distanceName, 's / step'],
    rows: rows.map(({ name, parameters, operations, loss, distance, secondsPerStep }) => [
      ...[name, parameters, parameters / baseline.parameters, operations / baseline.operations],
      ...[loss, distance, secondsPerStep],
    ]),
  };
  const svg = figure({
    x: { label: 'seconds a step', grid: true },
    y: { label: `loss after ${steps} steps`, grid: true },
    marks: [
      Plot.dot(rows, { x: 'secondsPerStep', y: 'loss', r: 4, fill: palette[0]! }),
      Plot.text(rows, { x: 'secondsPerStep', y: 'loss', text: 'name', textAnchor: 'start', dx: 7 }),
    ],
    marginRight: 150,
  });
  return {
    title: 'Choices the paper leaves open',
    table,
    figures: [{ kind: 'plot', svg, caption: 'Loss against the time of a training step' }],
    data: rows,
  };
}

async function measureChoices(options: ChoicesOptions) {
  const { steps, folder, networks = choices, onProgress, signal } = options;
  const configs = networks.map((choice) => configOf(choice, options));
  const total = networks.length * steps;
  const trained: Pick<MeasuredChoice, 'loss' | 'distance'>[] = [];
  const folders = networks.map(({ name }) => join(folder, recipeOf(options), slug(name)));
  // Opened before the first training, so that what is missing is said then.
  const known = folders.every((out) => evaluationsOf(out).read().length > 0);
  const distance = known ? undefined : await openDistance(configs[0]!, distanceOptions(options));
  let distanceName = '';
  try {
    for (const [i, { name }] of networks.entries()) {
      const out = folders[i]!;
      const resume = existsSync(configFile(out));
      const config = resume ? resumedConfig(readRunConfig(out), { ...configs[i] }) : configs[i]!;
      const onStep = ({ step }: { step: number }) => onProgress?.(i * steps + step, total, name);
      const run = await trainRun(config, { out, resume, onStep, signal: signal ?? new AbortController().signal });
      try {
        const log = evaluationsOf(out);
        if (log.read().length === 0) log.append({ step: steps, ...(await evaluated(run.model, distance!, options)) });
        const { step: _, ...values } = log.read().at(-1)!;
        const [[metric, value]] = Object.entries(values) as [[string, number]];
        distanceName = metric;
        const losses = run.steps.slice(-Math.ceil(steps / 4)).map(({ loss }) => loss);
        trained.push({ distance: value, loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length });
      } finally {
        run.model.dispose();
      }
    }
  } finally {
    distance?.dispose();
  }
  // Timed at the end and together, whenever each was trained.
  const rows: MeasuredChoice[] = [];
  for (const [i, { name }] of networks.entries()) {
    await nextTurn();
    signal?.throwIfAborted();
    const secondsPerStep = await secondsOfStep(configs[i]!, { repeats: 5 });
    rows.push({ name, ...costOf(configs[i]!), ...trained[i]!, secondsPerStep });
  }
  return { rows, distanceName };
}

const evaluationsOf = (out: string) => new MetricsLog<{ step: number } & Record<string, number>>(evaluationFile(out));

function distanceOptions({ config, samples, weights }: ChoicesOptions) {
  const features = weights === undefined ? featuresFor(config) : 'inception';
  return { features, realCount: Math.max(2048, samples), batch: 64, ...(weights !== undefined && { weights }) };
}

/** The distance of samples of a trained network, by its name. */
async function evaluated(
  unet: Network,
  { name, measure }: TrainingDistance,
  { config, samples: count, seed, signal }: ChoicesOptions,
): Promise<Record<string, number>> {
  const pipeline = new DiffusionPipeline({ unet, scheduler: makeScheduler('ddim', config) });
  try {
    const { values } = await evaluate({
      ...{ pipeline, count, generator: seed, metrics: { [name]: measure() } },
      imageShape: [config.size, config.size, datasetChannels(config)],
      numInferenceSteps: Math.min(SAMPLING_STEPS, config.timesteps),
      ...(signal && { signal }),
    });
    return values;
  } finally {
    pipeline.dispose();
  }
}

/** Names the folder of the runs that are alike: a run that is longer, of another seed, data set or size is another one. */
function recipeOf(options: ChoicesOptions): string {
  const { steps, batch = 32, seed, samples, config } = options;
  const { dataset, root, size, channels, timesteps, schedule, prediction } = config;
  const { features } = distanceOptions(options);
  const rest = JSON.stringify({ root, channels, timesteps, schedule, prediction, features });
  const hash = createHash('sha256').update(rest).digest('hex').slice(0, 8);
  return `${dataset}-${size}-${steps}-steps-of-${batch}-seed-${seed}-samples-${samples}-${hash}`;
}

const slug = (name: string) =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '');

function configOf({ model = 'cunet', modelOptions = {}, width = 1 }: Choice, options: ChoicesOptions): RunConfig {
  const { dataset, root, size, channels, timesteps, schedule, prediction } = options.config;
  return resolveConfig({
    ...{ dataset, root, size, timesteps, schedule, prediction, model, modelOptions },
    ...recipe(options.steps, options.batch ?? 32),
    channels: channels * width,
    evaluateCount: options.samples,
    seed: options.seed,
  });
}

function costOf(config: RunConfig): Pick<MeasuredChoice, 'parameters' | 'operations'> {
  const network = makeModel(config);
  try {
    const shape = [config.size, config.size, datasetChannels(config)] as const;
    const { parameters, operations } = summary(network as unknown as SummarizedModel, shape);
    return { parameters, operations };
  } finally {
    network.dispose();
  }
}
