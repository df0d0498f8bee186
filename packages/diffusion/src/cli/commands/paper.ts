import { join, resolve } from 'node:path';
import { unknownName } from '@missing-u/errors';
import { Command, InvalidArgumentError, Option } from 'commander';
import { DiffusionError } from '../../errors.ts';
import { startsOfThePaper } from '../../paper/denoising.ts';
import { allExperiments, experiments, prepare } from '../../paper/index.ts';
import { PaperRun, shippedModels, type PaperSettings } from '../../paper/run.ts';
import type { ExperimentResult } from '../../paper/experiment.ts';
import { ReportFolder } from '../../reports/folder.ts';
import { tableToText } from '../../reports/table.ts';
import { datasetNames } from '../../runs/registry.ts';
import { interruptible } from '../interrupt.ts';
import { integer, positiveInteger, share, withEngineFlags, type EngineFlags } from '../options.ts';
import { startProgress, type Progress } from '../progress.ts';
import { startEngine } from '../start-engine.ts';

type Flags = EngineFlags &
  Omit<PaperSettings, 'asked' | 'calls' | 'choicesFolder'> & { quick?: boolean; out: string; json?: boolean };

/** What `--quick` makes smaller, where nothing else is said: minutes for everything together. */
const quickly = {
  samples: 128,
  realCount: 1024,
  steps: [5, 20, 50],
  etas: [0, 0.5, 1],
  images: 16,
  starts: [50, 150, 400],
  trainingSteps: 160,
  choiceSteps: 40,
};

export function paperCommand(): Command {
  const list = Object.entries(experiments).map(([name, { about }]) => `  ${name.padEnd(8)} ${about}`);
  const command = new Command('paper')
    .description("repeat tables and figures of the paper, its numbers beside this machine's")
    .argument('<what...>', `${Object.keys(experiments).join(', ')}, or all`)
    .option('--unet <model>', 'a trained U-Net: the folder of its run, or a name', shippedModels.unet)
    .option('--cunet <model>', 'a trained cU-Net on the same data', shippedModels.cunet)
    .addOption(
      new Option(
        '--dataset <name>',
        'of test images and of those to compare with (default: that of the models)',
      ).choices(datasetNames),
    )
    .option('--root <folder>', "of the data set's files (default: that of the models)")
    .option('--size <pixels>', 'side of the images of table 5 and figure 6', positiveInteger, 64)
    .option('--channels <count>', 'channels of these images', positiveInteger, 3)
    .option('--samples <count>', 'table 1, eta: samples of each measurement', positiveInteger, 1000)
    .option('--real-count <count>', 'table 1, eta: training images to compare with', positiveInteger, 10_000)
    .option('--steps <counts>', 'table 1: numbers of denoising steps', counts, [2, 5, 10, 15, 20, 30, 50, 100])
    .option('--etas <shares>', 'eta: shares of fresh noise in a step, from 0 to 1', shares, [0, 0.25, 0.5, 0.75, 1])
    .option('--eta-steps <count>', 'eta: denoising steps', positiveInteger, 50)
    .option(
      '--weights <file>',
      "table 1, eta, choices: pytorch-fid's weights; without them digits have features of their own",
    )
    .option('--images <count>', 'tables 2 to 4: test images', positiveInteger, 300)
    .option('--starts <counts>', 'tables 2 to 4: forward steps that noise them', counts, startsOfThePaper)
    .option(
      '--add-noise',
      "tables 2 to 4: fresh noise in the reverse steps, as in sampling; the paper's code adds none",
      false,
    )
    .option('--training-steps <count>', 'table 4: steps of the auto-encoder and of DnCNN', positiveInteger, 1000)
    .option('--choice-steps <count>', 'choices: optimiser steps of each network', positiveInteger, 400)
    .option('--lpips-trunk <file>', "torchvision's SqueezeNet 1.1, for LPIPS")
    .option('--lpips-heads <file>', 'the official heads of LPIPS for it')
    .option('--batch <count>', 'images computed together', positiveInteger, 64)
    .option('--seed <number>', 'of all that is drawn', integer, 0)
    .option('--quick', 'small numbers for all of these')
    .option('--out <folder>', 'where report.html and, for each table, JSON, CSV, Markdown, SVG and PNG go', 'paper')
    .option('--json', 'print what was measured as JSON on standard output');
  const examples = [
    'paper table5 --quick',
    'paper all --quick --out paper',
    'paper table1 --unet runs/unet --cunet runs/cunet',
  ];
  return withEngineFlags(command)
    .addHelpText(
      'after',
      `\nTables and figures:\n${list.join('\n')}\n\nExamples:\n${examples.map((text) => `  missing-u ${text}`).join('\n')}`,
    )
    .action(run);
}

async function run(what: string[], given: Flags, command: Command): Promise<void> {
  const wanted = [...new Set(what.flatMap((name) => (name === 'all' ? allExperiments : [name])))];
  for (const name of wanted) {
    if (Object.hasOwn(experiments, name)) continue;
    const message = unknownName('table or figure', name, [...Object.keys(experiments), 'all']);
    throw new DiffusionError('DIFFUSION_UNKNOWN_EXPERIMENT', message);
  }
  const { quick = false, out: folder, json = false, engine: engineName, threads, ...settings } = given;
  const asked = new Set(Object.keys(settings).filter((key) => command.getOptionValueSource(key) !== 'default'));
  if (quick) {
    for (const [key, value] of Object.entries(quickly)) {
      if (!asked.has(key)) Object.assign(settings, { [key]: value });
    }
  }
  const out = resolve(folder);
  const report = new ReportFolder(out, { title: 'The Missing U, measured here', order: Object.keys(experiments) });
  const engine = await startEngine({ ...(engineName && { engine: engineName }), ...(threads && { threads }) });
  const stamp = `${new Date().toISOString().slice(0, 10)}, ${engine} engine.`;
  const paper = new PaperRun({ ...settings, asked, calls: quick ? 3 : 10, choicesFolder: join(out, 'choices') });
  const data: Record<string, unknown> = {};
  try {
    const names = await prepare(paper, wanted, what);
    for (const name of wanted.filter((name) => !names.includes(name))) {
      process.stderr.write(`${name} is left out: it needs --lpips-trunk and --lpips-heads\n`);
    }
    for (const name of names) {
      const result = await interruptible((signal) => measured(name, paper, signal));
      report.add(name, result, stamp);
      data[name] = result.data;
      if (!json) process.stdout.write(`${tableToText(result.table)}\n`);
    }
  } finally {
    await paper.dispose();
  }
  process.stdout.write(json ? `${JSON.stringify(data)}\n` : `${report.page}\n`);
}

function counts(text: string): number[] {
  return distinct(text.split(',').map(positiveInteger));
}

function shares(text: string): number[] {
  return distinct(text.split(',').map(share));
}

function distinct(values: number[]): number[] {
  if (new Set(values).size === values.length) return values;
  throw new InvalidArgumentError('It has to be a list with commas of numbers that differ.');
}

/** Runs an experiment with a progress bar that begins when there is something to count. */
async function measured(name: string, paper: PaperRun, signal: AbortSignal): Promise<ExperimentResult> {
  let progress: Progress | undefined;
  let total = 0;
  const onProgress = (done: number, of: number, what: string) => {
    // An experiment may have more than one thing to count.
    if (of !== total) {
      progress?.stop();
      progress = startProgress(name, of);
    }
    total = of;
    progress!.update(done, what);
  };
  try {
    return await experiments[name]!.run(paper, { signal, onProgress });
  } finally {
    progress?.stop();
  }
}
