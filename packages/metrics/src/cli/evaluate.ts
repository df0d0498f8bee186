import { Command, InvalidArgumentError, Option } from 'commander';
import { evaluate, evaluationMetrics, type EvaluationMetric } from '../evaluation/evaluate.ts';
import { inceptionNetwork, mnistNetwork } from '../evaluation/networks.ts';
import type { ResizeMode } from '../networks/resize.ts';

/** What a command needs of the program that it is part of: an engine, started before anything computes. */
export interface CommandHost {
  startEngine(flags: { engine?: string; threads?: number }): Promise<unknown>;
}

interface Flags {
  real: string;
  fake: string;
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
  return new Command('evaluate')
    .description(
      'compare a folder of generated pictures with real ones: FID, KID, inception score, precision and recall',
    )
    .requiredOption('--real <folder>', 'folder of real pictures, or for fid alone an .npz of statistics')
    .requiredOption('--fake <folder>', 'folder of generated pictures, or an .npz likewise')
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
    .option('--seed <number>', "seed of KID's subsets and of the score's shuffle", Number, 2020)
    .option('--save-real <file>', 'write the statistics of the real pictures, an .npz for a later --real')
    .option('--strict', 'fail at the first file that is not a sound picture')
    .option('--json', 'print the numbers as JSON on standard output')
    .option('--engine <name>', 'TensorFlow.js engine')
    .option('--threads <count>', 'threads of the engine', positiveInteger)
    .addHelpText('after', '\nExample:\n  missing-u evaluate --real photos --fake samples --metrics fid,kid --json')
    .action((flags: Flags) => run(host, flags));
}

async function run(host: CommandHost, flags: Flags): Promise<void> {
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  await host.startEngine(flags);
  const network = flags.features === 'mnist' ? await mnistNetwork() : await inceptionNetwork(flags.weights, flags.mode);
  const broken: string[] = [];
  try {
    const result = await evaluate({
      ...flags,
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

function metricList(text: string): EvaluationMetric[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(evaluationMetrics as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`'${unknown}' is not one of ${evaluationMetrics.join(', ')}.`);
  return names as EvaluationMetric[];
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It has to be an integer of 1 or more.');
  return value;
}
