import { createHash } from 'node:crypto';
import { constants, copyFileSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { ModelSampling, SampledFolders } from '@missing-u/metrics/cli';
import type { Command } from 'commander';
import { DiffusionError } from '../errors.ts';
import type { RunConfig } from '../runs/config.ts';
import { featuresFor } from '../runs/features.ts';
import { makeFolder } from '../runs/files.ts';
import { checkSteps, openModel, weightsHash } from '../runs/open-model.ts';
import { openDataset, schedulerNames } from '../runs/registry.ts';
import { samplePaths, writeImages } from '../runs/sample-set.ts';
import { trainingConfig } from '../runs/trained-model.ts';
import { interruptible } from './interrupt.ts';
import { labelOptions } from './labels.ts';
import { integer, number, positiveInteger } from './options.ts';
import { startProgress } from './progress.ts';
import { sampleFolder } from './sample-folder.ts';

interface Flags {
  model: string;
  checkpoint?: string;
  scheduler: string;
  steps: number;
  count: number;
  noiseSeed: number;
  label?: number;
  guidance?: number;
  batchSize: number;
  realCount: number;
  real?: string;
  root?: string;
  samples?: string;
}

/** `evaluate --model`: samples into a folder, which an interrupted or a second process goes on with. */
export const modelSampling: ModelSampling = {
  addOptions: (command: Command) =>
    command
      .option(
        '--model <run>',
        'instead of --fake: sample from a trained model by name, the folder of a run or a pipeline, a hub name',
      )
      .option('--checkpoint <name>', 'of a run: latest, best, or a step (default: latest)')
      .option('--scheduler <name>', `with --model: ${schedulerNames.join(', ')}`, 'ddim')
      .option('--steps <count>', 'with --model: denoising steps', positiveInteger, 50)
      .option('--count <count>', 'with --model: samples', positiveInteger, 1000)
      .option('--label <class>', 'with --model: class of the samples, if it takes classes (default: any)', integer)
      .option('--guidance <scale>', 'with --label: how far it pushes, 1 and more', number)
      .option('--noise-seed <number>', 'with --model: of the noise; each sample has its own stream', integer, 0)
      .option('--samples <folder>', 'with --model: where they lie, and are gone on with (default: below evaluations/)')
      .option(
        '--real-count <count>',
        'with --model and no --real: pictures of the data set that it was trained on',
        positiveInteger,
        2048,
      )
      .option('--root <folder>', "with --model and no --real: of the data set's files (default: that of the run)")
      .addHelpText(
        'after',
        '  missing-u evaluate --model runs/first --scheduler ddim --steps 20 --count 1000 --metrics fid\n\n' +
          'Samples are kept in a folder of their own, so that the same command goes on after an interruption, and several\n' +
          'processes with one --samples share the work: sample i is the same in all of them.',
      ),
  folders: (options) => folders(options as unknown as Flags),
};

async function folders(flags: Flags): Promise<SampledFolders> {
  const { model, checkpoint, scheduler: name, steps, count, noiseSeed: seed, batchSize: chunkSize } = flags;
  const { network, imageShape, schedulerFor } = await openModel(model, { ...(checkpoint && { checkpoint }) });
  try {
    const weights = weightsHash(network);
    const scheduler = schedulerFor(name);
    checkSteps(steps, scheduler.config);
    const condition = labelOptions(network, model, flags);
    const about = Object.entries({ label: flags.label, guidance: flags.guidance, seed })
      .filter(([, value]) => value !== undefined)
      .map(([what, value]) => `-${what}-${value}`);
    const own = `${basename(resolve(model))}-${name}-${steps}${about.join('')}-${weights.slice(0, 8)}`;
    const fake = resolve(flags.samples ?? join('evaluations', own));
    const config = trainingConfig(model);
    // Before the samples, which may take hours: what cannot be compared is not worth them.
    const real = flags.real ?? (await realFolder(dirname(fake), dataOf(config, flags), flags));
    const settings = { weights, scheduler: name };
    const asked = { folder: fake, count, seed, settings, imageShape, numInferenceSteps: steps, chunkSize };
    await sampleFolder({ ...asked, ...condition, network, scheduler });
    process.stderr.write(`samples: ${fake}\n`);
    return { fake: firstOf(fake, count), real, ...(config && { features: featuresFor(config) }) };
  } finally {
    network.dispose();
  }
}

/**
 * The folder where it holds as many samples as are asked for. Of one that was filled further before, the first ones are measured: in
 * a folder beside them, because measures read whole folders. What a killed process leaves of it, the next sampling removes.
 */
function firstOf(folder: string, count: number): string {
  const paths = samplePaths(folder);
  if (paths.length <= count) return folder;
  const first = join(folder, `.first-${count}.${process.pid}.tmp`);
  makeFolder(first);
  process.once('exit', () => rmSync(first, { recursive: true, force: true }));
  for (const path of paths.slice(0, count)) {
    copyFileSync(path, join(first, basename(path)), constants.COPYFILE_FICLONE);
  }
  return first;
}

/** The settings of the data set whose pictures are the real ones. */
function dataOf(config: RunConfig | undefined, { model, root }: Flags): RunConfig {
  if (config !== undefined) return { ...config, root: root ?? config.root };
  const message = `What \`${model}\` was trained on is not known: name a folder of real pictures with --real.`;
  throw new DiffusionError('DIFFUSION_NO_DATASET', message);
}

/** Pictures of the data set that a model was trained on, in a folder beside the samples. */
async function realFolder(place: string, config: RunConfig, { realCount, batchSize }: Flags): Promise<string> {
  const folder = join(place, `real-${config.dataset}-${config.size}-${realCount}-${choiceOf(config)}`);
  const dataset = (await openDataset(config)).shuffle(config.seed).take(realCount);
  const progress = startProgress('real pictures', dataset.length);
  try {
    makeFolder(folder);
    if (samplePaths(folder).length === dataset.length) return folder;
    await interruptible(async (signal) => {
      let first = 0;
      for await (const { images } of dataset.batches({ batchSize, range: [0, 1] })) {
        signal.throwIfAborted();
        const wanted = Array.from({ length: images.shape[0] }, (_, i) => first + i);
        await writeImages(folder, first, images, wanted).finally(() => images.dispose());
        progress.update((first += wanted.length));
      }
    });
    return folder;
  } finally {
    progress.stop();
    await dataset.close();
  }
}

/** Tells the pictures of one data set from those of other files, and from another choice of them. */
function choiceOf({ root, seed }: RunConfig): string {
  const choice = JSON.stringify([root === null ? null : resolve(root), seed]);
  return createHash('sha256').update(choice).digest('hex').slice(0, 8);
}
