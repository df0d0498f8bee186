import { Command, InvalidArgumentError, Option } from 'commander';
import { evaluate, evaluationMetrics, isStatistics, type EvaluationMetric } from '../evaluation/evaluate.ts';
import { imageFiles } from '../evaluation/image-folder.ts';
import { inceptionNetwork, mnistNetwork } from '../evaluation/networks.ts';
import { MetricError } from '../errors.ts';
import type { ResizeMode } from '../networks/resize.ts';

/** What a command needs of the program that it is part of: an engine, started before anything computes. */
export interface CommandHost {
  startEngine(flags: { engine?: string; threads?: number }): Promise<unknown>;
  /** Of a program that can sample: how `--model` becomes folders of pictures. */
  models?: ModelSampling;
}

/** Options with which pictures are made for an evaluation, in place of `--fake`. */
export interface ModelSampling {
  /** Adds `--model` and what belongs to it. */
  addOptions(command: Command): Command;
  /** Makes the pictures; `features` is what fits them where nothing else was asked for. */
  folders(options: Readonly<Record<string, unknown>>): Promise<SampledFolders>;
}

export interface SampledFolders {
  fake: string;
  /** Where the model's own training pictures are known. */
  real?: string;
  features?: 'inception' | 'mnist';
}

interface Flags {
  model?: string;
  real?: string;
  fake?: string;
  metrics: EvaluationMetric[];
  weights?: string;
  features: 'inception' | 'mnist';
  mode: ResizeMode;
  batchSize: number;
  seed: number;
  saveReal?: string;
  strict?: boolean;
  json?: boolean;
  engine?: string;
  threads?: number;
}

/** `evaluate --real DIR --fake DIR`, for any program that is made with commander. */
export function evaluateCommand(host: CommandHost): Command {
  const command = new Command('evaluate')
    .description(
      'compare a folder of generated pictures with real ones: FID, KID, inception score, precision and recall',
    )
    .option('--real <folder>', 'folder of real pictures, or for fid alone an .npz of statistics')
    .option('--fake <folder>', 'folder of generated pictures, or an .npz likewise')
    .option('--metrics <names>', `comma-separated: ${evaluationMetrics.join(', ')}`, metricList, [
      'fid',
      'kid',
      'is',
      'prdc',
    ])
    .option('--weights <file>', "pytorch-fid's weights (default: downloaded once, 96 MB)")
    .addOption(
      new Option('--features <network>', 'whose features').choices(['inception', 'mnist']).default('inception'),
    )
    .addOption(
      new Option('--mode <name>', 'how pictures are resized')
        .choices(['legacy_pytorch', 'legacy_tensorflow', 'clean'])
        .default('legacy_pytorch'),
    )
    .option('--batch-size <count>', 'pictures at once', positiveInteger, 50)
    .option('--seed <number>', "seed of KID's subsets and of the score's shuffle", integer, 2020)
    .option('--save-real <file>', 'write the statistics of the real pictures, an .npz for a later --real')
    .option('--strict', 'fail at the first file that is not a sound picture')
    .option('--json', 'print the numbers as JSON on standard output')
    .option('--engine <name>', 'TensorFlow.js engine')
    .option('--threads <count>', 'threads of the engine', positiveInteger)
    .addHelpText('after', '\nExample:\n  missing-u evaluate --real photos --fake samples --metrics fid,kid --json')
    .action((flags: Flags) => run(host, command, flags));
  return host.models?.addOptions(command) ?? command;
}

async function run(host: CommandHost, command: Command, flags: Flags): Promise<void> {
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const { model, fake: given } = flags;
  if ((model === undefined) === (given === undefined)) {
    const names = host.models === undefined ? '--fake' : 'either --fake or --model';
    throw new MetricError('METRIC_BAD_ARGUMENT', `Say which pictures to evaluate: ${names}.`);
  }
  if (model === undefined && flags.real === undefined) throw noReal();
  // Before anything is downloaded or sampled, which takes minutes.
  for (const folder of [flags.real, given]) {
    if (folder !== undefined && !isStatistics(folder)) await imageFiles(folder);
  }
  await host.startEngine(flags);
  const sampled = model === undefined ? undefined : await host.models!.folders({ ...flags });
  const { real, fake } = { real: flags.real ?? sampled?.real, fake: sampled?.fake ?? given! };
  if (real === undefined) throw noReal();
  const fitting = command.getOptionValueSource('features') === 'default' ? sampled?.features : undefined;
  const features = fitting ?? flags.features;
  const network = features === 'mnist' ? await mnistNetwork() : await inceptionNetwork(flags.weights, flags.mode);
  const broken: string[] = [];
  try {
    const result = await evaluate({
      ...flags,
      real,
      fake,
      network,
      warn: log,
      onProgress: (done, total) => log(`${done} of ${total} pictures`),
      onBroken: (file, reason) => {
        broken.push(file);
        log(reason);
      },
    });
    if (broken.length > 0)
      log(`${broken.length} file${broken.length === 1 ? ' was' : 's were'} left out; --strict makes that an error.`);
    const lines = Object.entries(result).map(([key, value]) => `${key.padEnd(40)} ${value.toPrecision(8)}`);
    process.stdout.write(flags.json ? `${JSON.stringify(result)}\n` : `${lines.join('\n')}\n`);
  } finally {
    network.dispose();
  }
}

function noReal(): MetricError {
  return new MetricError('METRIC_BAD_ARGUMENT', 'Say which pictures to compare with: --real.');
}

function metricList(text: string): EvaluationMetric[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(evaluationMetrics as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`'${unknown}' is not one of ${evaluationMetrics.join(', ')}.`);
  return names as EvaluationMetric[];
}

function integer(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value)) throw new InvalidArgumentError('It has to be an integer.');
  return value;
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It has to be an integer of 1 or more.');
  return value;
}
