import { join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { Command, InvalidArgumentError, Option } from 'commander';
import { compare, type Contender } from '../../evaluation/compare.ts';
import { checkFrom, restore, type ListScheduler } from '../../evaluation/restore.ts';
import {
  comparisonCsv,
  comparisonPage,
  comparisonTable,
  contendersTable,
  restorationTable,
  type Restoration,
} from '../../reports/comparison.ts';
import { tableToCsv, tableToText } from '../../reports/table.ts';
import { DiffusionError } from '../../errors.ts';
import { commonConfig, dataKeys, onNamedData } from '../../runs/common-config.ts';
import { defaultConfig, type RunConfig } from '../../runs/config.ts';
import { featureNames, openDistance, type FeatureName } from '../../runs/features.ts';
import { makeFolder, writeAtomically } from '../../runs/files.ts';
import { datasetNames, hasHeldOut, openDataset } from '../../runs/registry.ts';
import { trainingConfig } from '../../runs/trained-model.ts';
import { contenderOf, factsOf, measurementOf } from '../contender.ts';
import { distinctNames } from '../distinct-names.ts';
import { interruptible } from '../interrupt.ts';
import { labelOptions } from '../labels.ts';
import { checkSteps, openModel, type OpenedModel } from '../../runs/open-model.ts';
import { integer, positiveInteger, withEngineFlags, type EngineFlags } from '../options.ts';
import { startProgress } from '../progress.ts';
import { startEngine } from '../start-engine.ts';

interface Flags extends EngineFlags {
  steps: number[];
  schedulers: string[];
  count: number;
  realCount: number;
  batch: number;
  seed: number;
  dataset?: string;
  root?: string;
  from: number;
  label?: number;
  features?: FeatureName;
  weights?: string;
  out: string;
  json?: boolean;
}

export function compareCommand(): Command {
  const command = new Command('compare')
    .description(
      'compare trained models: Fréchet distance and time against the number of denoising steps, distortion against ' +
        'perception where held-out images are denoised, and what the networks are, as one report',
    )
    .argument('<models...>', 'trained models by name, folders of runs, pipelines and networks, hub names, presets')
    .option('--steps <counts>', 'numbers of denoising steps', counts, [5, 10, 20, 50])
    .option('--schedulers <names>', 'samplers', names, ['ddim'])
    .option('--count <count>', 'images per measurement', positiveInteger, 256)
    .option('--real-count <count>', 'training images to compare with', positiveInteger, 2048)
    .option('--batch <count>', 'images computed together', positiveInteger, 64)
    .option('--seed <number>', 'of the noise, the same for all models', integer, 0)
    .option('--from <timestep>', 'held-out images are noised to it and denoised; 0 measures none', integer, 250)
    .option('--label <class>', 'class of the images, for class-conditional networks (default: any class)', integer)
    .addOption(new Option('--dataset <name>', 'where no model tells (default: that of the runs)').choices(datasetNames))
    .option('--root <folder>', "of the data set's files (default: that of the runs)")
    .addOption(
      new Option('--features <network>', 'whose features (default: by the data set)').choices([...featureNames]),
    )
    .option('--weights <file>', "pytorch-fid's weights, for inception (default: downloaded once, 96 MB)")
    .option('--out <folder>', 'where report.html, results.json and results.csv go', 'comparison')
    .option('--json', 'print the results as JSON on standard output');
  return withEngineFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  missing-u compare mnist-cunet mnist-unet --steps 5,10 --count 128\n' +
        '  missing-u compare runs/cunet runs/unet --steps 5,10,20 --count 512 --out comparison',
    )
    .action(run);
}

async function run(names: string[], flags: Flags): Promise<void> {
  const out = resolve(flags.out);
  const shortNames = distinctNames(names);
  await startEngine(flags);
  const opened: OpenedModel[] = [];
  const owned: { dispose(): void }[] = [];
  try {
    for (const name of names) {
      opened.push(await openModel(name, { ...(flags.dataset === 'mnist' && { channels: 1 }) }));
      owned.push(opened.at(-1)!.network);
    }
    const imageShape = commonShape(names, opened);
    const config = commonData(names, imageShape, flags);
    const contenders = opened.map(({ network, schedulerFor }, i): Contender => {
      const samplers = flags.schedulers.map((name) => ({ name, scheduler: schedulerFor(name) }));
      checkFrom(flags.from, Number(schedulerFor('ddim').config['num_train_timesteps']));
      for (const { scheduler } of samplers) for (const steps of flags.steps) checkSteps(steps, scheduler.config);
      const name = shortNames[i]!;
      return { ...contenderOf(name, network, imageShape), ...labelOptions(network, name, flags), samplers };
    });
    const distance = await openDistance(config, flags);
    owned.push(distance);
    const { name, measure } = distance;
    const metrics = () => ({ [name]: measure() });
    const held = flags.from > 0 ? await heldOut(config, flags.count) : undefined;
    if (held !== undefined) owned.push(held);
    const denoised = held === undefined ? [] : flags.steps.filter((steps) => steps <= flags.from + 1);
    if (held !== undefined && denoised.length < flags.steps.length) {
      process.stderr.write(`numbers of steps above ${flags.from + 1} are not measured from timestep ${flags.from}\n`);
    }
    makeFolder(out);
    const total = contenders.length * (flags.schedulers.length * flags.steps.length + denoised.length);
    const progress = startProgress('measuring', total);
    let done = 0;
    const sampling = { generator: flags.seed, chunkSize: flags.batch };
    const [results, restored] = await interruptible(async (signal) => {
      const results = await compare({
        ...{ ...sampling, contenders, imageShape, signal, metrics },
        ...{ steps: flags.steps, count: flags.count },
        onResult: ({ model, sampler, steps, values }) =>
          progress.update((done += 1), `${model} ${sampler} ${steps}: ${values[name]!.toFixed(2)}`),
      });
      const restored: Restoration[] = [];
      for (const [i, { name: model, unet, classLabels }] of contenders.entries()) {
        for (const steps of denoised) {
          const scheduler = opened[i]!.schedulerFor('ddim') as unknown as ListScheduler;
          const condition = classLabels === undefined ? {} : { classLabels };
          const asked = { ...sampling, ...condition, unet, scheduler, images: held!, from: flags.from, steps, signal };
          restored.push({ model, ...(await restore({ ...asked, metrics: metrics() })) });
          progress.update((done += 1), `${model} from ${flags.from} in ${steps}: ${restored.at(-1)!.rmse.toFixed(3)}`);
        }
      }
      return [results, restored] as const;
    }).finally(() => progress.stop());
    const models = contenders.map(factsOf);
    const report = { models, results: results.map(measurementOf), restored };
    writeAtomically(join(out, 'results.json'), `${JSON.stringify(report, null, 2)}\n`);
    writeAtomically(join(out, 'results.csv'), tableToCsv(comparisonCsv(models, results, restored)));
    writeAtomically(join(out, 'report.html'), await comparisonPage('Models compared', models, results, restored));
    const tables = [contendersTable(models), comparisonTable(results)];
    if (restored.length > 0) tables.push(restorationTable(restored));
    const printed = `${tables.map(tableToText).join('\n')}\n${join(out, 'report.html')}\n`;
    process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : printed);
  } finally {
    for (const one of owned) one.dispose();
  }
}

/** @throws DiffusionError `DIFFUSION_RUNS_DIFFER` where models have images of different shapes. */
function commonShape(names: readonly string[], opened: readonly OpenedModel[]): OpenedModel['imageShape'] {
  const shapes = opened.map(({ imageShape }) => imageShape.join(' x '));
  if (new Set(shapes).size === 1) return opened[0]!.imageShape;
  const told = names.map((name, i) => `${name}: ${shapes[i]}`).join(', ');
  throw new DiffusionError(
    'DIFFUSION_RUNS_DIFFER',
    `The models have images of different shapes (${told}); compare models of one shape.`,
  );
}

/** What the samples are compared with: the data set that the models were trained on, or the one that is named. */
function commonData(names: readonly string[], imageShape: OpenedModel['imageShape'], flags: Flags): RunConfig {
  const [size, , channels] = imageShape;
  const known = names.map(trainingConfig).filter((config) => config !== undefined);
  const trained = known.length > 0 ? commonConfig(known, dataKeys) : { ...defaultConfig, size };
  if (known.length === 0 && flags.dataset === undefined) {
    const message = `None of the models tells what it was trained on: name the data set with --dataset (${datasetNames.join(', ')}).`;
    throw new DiffusionError('DIFFUSION_NO_DATASET', message);
  }
  return onNamedData(trained, flags, channels);
}

/** Images that were not trained on, in [0, 1]; none where the data set has no such part. */
async function heldOut(config: RunConfig, count: number): Promise<tf.Tensor4D | undefined> {
  if (!hasHeldOut(config)) return undefined;
  const dataset = (await openDataset(config, 'validation')).take(count);
  const batches: tf.Tensor4D[] = [];
  try {
    for await (const { images } of dataset.batches({ batchSize: 256, range: [0, 1] })) batches.push(images);
    return tf.concat(batches, 0);
  } finally {
    tf.dispose(batches);
    await dataset.close();
  }
}

function counts(text: string): number[] {
  return text.split(',').map(positiveInteger);
}

function names(text: string): string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.includes('') || new Set(list).size < list.length) {
    throw new InvalidArgumentError('It has to be a list of names with commas, each of them once.');
  }
  return list;
}
