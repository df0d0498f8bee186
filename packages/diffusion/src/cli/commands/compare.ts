import { basename, join, resolve } from 'node:path';
import { FrechetInceptionDistance } from '@missing-u/metrics';
import { summary, type SummarizedModel } from '@missing-u/unet-blocks';
import { Command, InvalidArgumentError, Option } from 'commander';
import { compare, type Contender } from '../../evaluation/compare.ts';
import { comparisonPage, comparisonTable, contendersTable } from '../../reports/comparison.ts';
import { tableToCsv, tableToText } from '../../reports/table.ts';
import { commonConfig } from '../../runs/common-config.ts';
import { openExtractor, realMoments, type FeatureName } from '../../runs/features.ts';
import { makeFolder, writeAtomically } from '../../runs/files.ts';
import { loadRun } from '../../runs/load-run.ts';
import { datasetChannels, makeScheduler } from '../../runs/registry.ts';
import { interruptible } from '../interrupt.ts';
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
  features: FeatureName;
  weights?: string;
  out: string;
  json?: boolean;
}

export function compareCommand(): Command {
  const command = new Command('compare')
    .description(
      'compare trained models: Fréchet distance and time against the number of denoising steps, as one report',
    )
    .argument('<runs...>', 'folders of training runs on one data set')
    .option('--steps <counts>', 'numbers of denoising steps', counts, [5, 10, 20, 50])
    .option('--schedulers <names>', 'samplers', names, ['ddim'])
    .option('--count <count>', 'images per measurement', positiveInteger, 256)
    .option('--real-count <count>', 'training images to compare with', positiveInteger, 2048)
    .option('--batch <count>', 'images computed together', positiveInteger, 64)
    .option('--seed <number>', 'of the noise, the same for all models', integer, 0)
    .addOption(new Option('--features <network>', 'whose features').choices(['mnist', 'inception']).default('mnist'))
    .option('--weights <file>', "pytorch-fid's weights, for inception (default: downloaded once, 96 MB)")
    .option('--out <folder>', 'where report.html, results.json and results.csv go', 'comparison')
    .option('--json', 'print the results as JSON on standard output');
  return withEngineFlags(command)
    .addHelpText(
      'after',
      '\nExample:\n  missing-u compare runs/cunet runs/unet --steps 5,10,20 --count 512 --out comparison',
    )
    .action(run);
}

async function run(folders: string[], flags: Flags): Promise<void> {
  const out = resolve(flags.out);
  makeFolder(out);
  await startEngine(flags);
  const runs = await Promise.all(folders.map((folder) => loadRun(folder)));
  const extractor = await openExtractor(flags.features, flags.weights);
  try {
    const config = commonConfig(runs.map(({ config }) => config));
    const imageShape = [config.size, config.size, datasetChannels(config)] as const;
    const reference = await realMoments(config, extractor, flags);
    const contenders = runs.map(({ model }, i): Contender => {
      const { parameters, operations, checkpointBytes } = summary(model as unknown as SummarizedModel, imageShape);
      return { name: basename(resolve(folders[i]!)), unet: model, parameters, operations, checkpointBytes };
    });
    const progress = startProgress('measuring', runs.length * flags.schedulers.length * flags.steps.length);
    let done = 0;
    const name = new FrechetInceptionDistance({ feature: extractor, reference }).name;
    const results = await interruptible((signal) =>
      compare({
        contenders,
        samplers: flags.schedulers.map((scheduler) => ({
          name: scheduler,
          scheduler: makeScheduler(scheduler, config),
        })),
        steps: flags.steps,
        count: flags.count,
        imageShape,
        generator: flags.seed,
        chunkSize: flags.batch,
        signal,
        metrics: () => ({
          [name]: new FrechetInceptionDistance({ feature: extractor, reference, warn: () => undefined }),
        }),
        onResult: ({ model, sampler, steps, values }) =>
          progress.update((done += 1), `${model} ${sampler} ${steps}: ${values[name]!.toFixed(2)}`),
      }),
    ).finally(() => progress.stop());
    const facts = results.map(({ samples: _samples, ...measured }) => measured);
    const models = contenders.map(({ unet: _unet, ...known }) => known);
    writeAtomically(join(out, 'results.json'), `${JSON.stringify({ models, results: facts }, null, 2)}\n`);
    writeAtomically(join(out, 'results.csv'), tableToCsv(comparisonTable(results)));
    writeAtomically(join(out, 'report.html'), await comparisonPage('Models compared', models, results));
    const printed = `${tableToText(contendersTable(models))}\n${tableToText(comparisonTable(results))}\n${join(out, 'report.html')}\n`;
    process.stdout.write(flags.json ? `${JSON.stringify({ models, results: facts })}\n` : printed);
  } finally {
    for (const { model } of runs) model.dispose();
    extractor.dispose();
  }
}

function counts(text: string): number[] {
  return text.split(',').map(positiveInteger);
}

function names(text: string): string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.includes('')) throw new InvalidArgumentError('It has to be a list of names with commas.');
  return list;
}
