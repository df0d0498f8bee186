import { join, resolve } from 'node:path';
import { invalidArgument } from '@missing-u/errors';
import { Command } from 'commander';
import { DiffusionError } from '../../errors.ts';
import { findCheckpoint, listCheckpoints, stepOf } from '../../runs/checkpoint.ts';
import { readConfigFile } from '../../runs/config-file.ts';
import { defaultConfig, resolveConfig, resumedConfig, type RunConfig } from '../../runs/config.ts';
import { estimateTraining } from '../../runs/estimate.ts';
import { checkNames, datasetNames, modelNames } from '../../runs/registry.ts';
import { checkpointsOf, readRunConfig } from '../../runs/run-folder.ts';
import { trainRun } from '../../runs/train-run.ts';
import { learningRateSchedules } from '../../training/learning-rate.ts';
import { lossWeightings } from '../../training/loss-weights.ts';
import { timestepSamplings } from '../../training/timestep-sampler.ts';
import { interruptible } from '../interrupt.ts';
import { integer, json as jsonValue, number, numbers, withEngineFlags, type EngineFlags } from '../options.ts';
import { duration, trainingProgress } from '../progress.ts';
import { startEngine } from '../start-engine.ts';

interface Flags extends EngineFlags, Partial<RunConfig> {
  out?: string;
  resume?: string;
  checkpoint?: string;
  config?: string;
  json?: boolean;
  compile: boolean;
  memoryBudget?: number;
  estimate?: boolean;
}

/** Runs of so many images are told what they will take before they begin. */
const LONG = 1_000_000;

export function trainCommand(): Command {
  const command = new Command('train')
    .description('train a denoiser; the run lives in a folder and can be taken up again')
    .option('--config <file>', 'JSON or TypeScript file with the keys of config.json; flags win over it')
    .option('--out <folder>', 'folder of the run (default: runs/<dataset>-<model>)')
    .option('--resume <folder>', 'go on from a checkpoint of a run')
    .option('--checkpoint <name>', 'with --resume: latest, best, or a step; later ones are removed (default: latest)')
    .option('--dataset <name>', `data set: ${datasetNames.join(', ')} (default: mnist)`)
    .option('--root <folder>', "folder of the data set's files")
    .option('--model <name>', `network: ${modelNames.join(', ')} (default: cunet)`)
    .option('--channels <count>', 'width of the network (default: 16)', integer)
    .option('--model-options <json>', `of the network's constructor, as '{"preset":"cunet-woA"}'`, jsonValue)
    .option('--size <pixels>', 'side of the images, a multiple of 16 (default: 32)', integer)
    .option('--from <model>', 'begin with the weights of a run, a pipeline or a trained model (mnist-cunet)')
    .option('--random-flip', 'mirror half of the images left to right, others in each epoch')
    .option('--timesteps <count>', 'diffusion steps of the chain (default: 1000)', integer)
    .option('--schedule <name>', 'noise schedule (default: linear)')
    .option('--prediction <name>', 'epsilon, sample or v_prediction (default: epsilon)')
    .option('--steps <count>', 'optimiser steps (default: 10000)', integer)
    .option('--batch <count>', 'images a batch (default: 64)', integer)
    .option('--accumulate <count>', 'batches a step (default: 1)', integer)
    .option('--learning-rate <rate>', 'of Adam (default: 0.0004)', number)
    .option(
      '--learning-rate-schedule <name>',
      `${learningRateSchedules.join(', ')} (default: ${defaultConfig.learningRateSchedule})`,
    )
    .option('--warmup-steps <count>', 'steps over which the rate grows (default: 100)', integer)
    .option('--decay-steps <count>', 'last steps over which warmup_stable_decay falls to 0 (default: 0)', integer)
    .option('--weight-decay <share>', "decoupled weight decay: AdamW's (default: 0, which is Adam)", number)
    .option('--max-grad-norm <norm>', 'the gradient is cut to this norm (default: 1)', number)
    .option('--ema-decay <decays>', 'of the averaged weights; several with commas (default: 0.999)', numbers)
    .option('--loss-weighting <name>', `${lossWeightings.join(', ')} (default: constant)`)
    .option('--loss-gamma <gamma>', 'of min-snr (default: 5) and p2 (default: 1)', number)
    .option('--timestep-sampling <name>', `${timestepSamplings.join(', ')} (default: uniform)`)
    .option('--logit-mean <mean>', 'of logit-normal: below 0 nearer to the images (default: 0)', number)
    .option('--logit-std <deviation>', 'of logit-normal (default: 1)', number)
    .option('--uniform-share <share>', 'of logit-normal: share of timesteps that stays uniform (default: 0)', number)
    .option('--noise-jitter <share>', 'share of images with more or less noise than their time (default: 0)', number)
    .option('--noise-jitter-most <factor>', 'largest factor of their noise (default: 1.2)', number)
    .option('--self-conditioning', 'let the network see its own estimate (unet)')
    .option('--class-conditioning', 'let the network see the labels (unet2d)')
    .option('--label-dropout <share>', 'share of hidden labels, for guidance (default: 0.1)', number)
    .option('--checkpoint-every <count>', 'steps between checkpoints (default: 500)', integer)
    .option('--keep-checkpoints <count>', 'newest ones that stay, besides the best (default: 3)', integer)
    .option('--sample-every <count>', 'steps between pictures of samples, 0 for none (default: 1000)', integer)
    .option('--validate-every <count>', 'steps between validations, 0 for none (default: 0)', integer)
    .option('--validation-count <count>', 'images of a validation (default: 512)', integer)
    .option('--evaluate-every <count>', 'steps between Fréchet distances of samples, 0 for none (default: 0)', integer)
    .option('--evaluate-count <count>', 'samples of a Fréchet distance (default: 256)', integer)
    .option('--seed <number>', 'of weights, data order, timesteps and noise (default: 0)', integer)
    .option('--estimate', 'say what the run will take in time and memory, and stop')
    .option('--no-compile', 'run each operation by itself, not whole steps as graphs (native engine)')
    .option(
      '--memory-budget <megabytes>',
      'most that a compiled step may hold; it computes again what is too much',
      number,
    )
    .option('--json', 'print the result as JSON on standard output');
  return withEngineFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  missing-u train --dataset mnist --channels 8 --steps 400 --batch 32 --out runs/first\n' +
        '  missing-u train --resume runs/first --steps 1000\n  missing-u train --config run.ts --seed 1 --out runs/second\n' +
        '  missing-u train --from mnist-cunet --learning-rate 1e-4 --steps 2000 --out runs/finer',
    )
    .action(train);
}

async function train({
  out,
  resume,
  checkpoint,
  config: file,
  json,
  compile,
  memoryBudget,
  estimate,
  engine,
  threads,
  ...flags
}: Flags) {
  const given = { ...(file === undefined ? {} : await readConfigFile(file)), ...flags };
  if (checkpoint !== undefined && resume === undefined)
    refuse('--checkpoint names a checkpoint of a run: add --resume.');
  if (out !== undefined && resume !== undefined) refuse('--resume goes on in the folder of the run: leave out --out.');
  const before = resume === undefined ? undefined : readRunConfig(resume);
  const config = before === undefined ? resolveConfig(given) : resumedConfig(before, given);
  checkNames(config);
  const folder = resolve(resume ?? out ?? join('runs', `${config.dataset}-${config.model}`));
  const made = resume === undefined ? 0 : stepsMade(folder, config, checkpoint);
  if (resume === undefined && estimate !== true) refuseUsedFolder(folder);
  const engineName = await startEngine({ ...(engine && { engine }), ...(threads && { threads }) });
  process.stderr.write(`${JSON.stringify(config)}\n`);
  const left = config.steps - made;
  if (estimate === true || left * config.batch * config.accumulate >= LONG) {
    const estimated = await estimateTraining(config, { compile, made });
    const text =
      `estimated: ${estimated.secondsPerStep.toFixed(2)} s a step, ${duration(estimated.seconds)} for ` +
      `${left.toLocaleString('en')} steps, up to ${(estimated.bytes / 2 ** 30).toFixed(1)} GiB of tensors`;
    if (estimate === true) return void process.stdout.write(`${json ? JSON.stringify(estimated) : text}\n`);
    process.stderr.write(`${text}\n`);
  }
  const begin = performance.now();
  const progress = trainingProgress(config.steps);
  const run = await interruptible((signal) =>
    trainRun(config, {
      out: folder,
      resume: resume !== undefined,
      ...(checkpoint !== undefined && { checkpoint }),
      compile,
      ...(memoryBudget !== undefined && { memoryBudget: 1e6 * memoryBudget }),
      signal,
      ...progress,
    }),
  ).finally(() => progress.stop());
  run.model.dispose();
  const seconds = (performance.now() - begin) / 1000;
  const loss = run.steps.at(-1)?.loss ?? null;
  const result = {
    out: folder,
    engine: engineName,
    parameters: run.parameters,
    steps: run.steps.length,
    loss,
    seconds,
  };
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `trained ${run.steps.length} steps: ${folder}\n`);
}

function refuseUsedFolder(folder: string): void {
  if (listCheckpoints(checkpointsOf(folder)).length === 0) return;
  const message = `\`${folder}\` holds a run already. Go on with it (missing-u train --resume ${folder}) or name another \`--out\`.`;
  throw new DiffusionError('DIFFUSION_RUN_EXISTS', message);
}

/** The steps that a run has made; it cannot go on to one behind them. */
function stepsMade(folder: string, { steps }: RunConfig, checkpoint: string | undefined): number {
  const path = findCheckpoint(checkpointsOf(folder), checkpoint);
  const made = path === undefined ? 0 : stepOf(path);
  if (steps >= made) return made;
  const message = invalidArgument({
    argument: 'steps',
    value: steps,
    allowed: `${made} or more, the steps made already`,
  });
  throw new DiffusionError('DIFFUSION_BAD_CONFIG', message);
}

function refuse(message: string): never {
  throw new DiffusionError('DIFFUSION_BAD_CONFIG', message);
}
