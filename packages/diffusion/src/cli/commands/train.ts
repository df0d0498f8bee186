import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { DiffusionError } from '../../errors.ts';
import { writeAtomically } from '../../runs/files.ts';
import { lossPlot } from '../../plots/loss-plot.ts';
import { resolveConfig, type RunConfig } from '../../runs/config.ts';
import { checkNames, datasetNames, modelNames } from '../../runs/registry.ts';
import { checkpointsOf, readConfigFile, readRunConfig } from '../../runs/run-folder.ts';
import { listCheckpoints } from '../../runs/checkpoint.ts';
import { trainRun } from '../../runs/train-run.ts';
import { interruptible } from '../interrupt.ts';
import { integer, number, positiveInteger, withEngineFlags, type EngineFlags } from '../options.ts';
import { trainingProgress } from '../progress.ts';
import { startEngine } from '../start-engine.ts';

interface Flags extends EngineFlags, Partial<RunConfig> {
  out?: string;
  resume?: string;
  config?: string;
  json?: boolean;
  compile: boolean;
}

export function trainCommand(): Command {
  const command = new Command('train')
    .description('train a denoiser; the run lives in a folder and can be taken up again')
    .option('--config <file>', 'JSON file with the keys of config.json; flags win over it')
    .option('--out <folder>', 'folder of the run (default: runs/<dataset>-<model>)')
    .option('--resume <folder>', 'go on from the newest checkpoint of a run')
    .option('--dataset <name>', `data set: ${datasetNames.join(', ')} (default: mnist)`)
    .option('--root <folder>', "folder of the data set's files")
    .option('--model <name>', `network: ${modelNames.join(', ')} (default: cunet)`)
    .option('--channels <count>', 'width of the network (default: 16)', integer)
    .option('--size <pixels>', 'side of the images, a multiple of 16 (default: 32)', integer)
    .option('--schedule <name>', 'noise schedule (default: linear)')
    .option('--prediction <name>', 'epsilon, sample or v_prediction (default: epsilon)')
    .option('--steps <count>', 'optimiser steps (default: 10000)', integer)
    .option('--batch <count>', 'images a step (default: 64)', integer)
    .option('--learning-rate <rate>', 'of Adam (default: 0.0004)', number)
    .option('--warmup-steps <count>', 'steps over which the rate grows (default: 100)', integer)
    .option('--ema-decay <decay>', 'of the averaged weights (default: 0.999)', number)
    .option('--checkpoint-every <count>', 'steps between checkpoints (default: 500)', positiveInteger)
    .option('--seed <number>', 'of weights, data order, timesteps and noise (default: 0)', integer)
    .option('--no-compile', 'run each operation by itself, not whole steps as graphs (native engine)')
    .option('--json', 'print the result as JSON on standard output');
  return withEngineFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  missing-u train --dataset mnist --channels 8 --steps 400 --batch 32 --out runs/first\n' +
        '  missing-u train --resume runs/first --steps 1000',
    )
    .action(train);
}

async function train({ out, resume, config: file, json, compile, engine, threads, ...given }: Flags): Promise<void> {
  const config = resolveConfig({
    ...(resume === undefined ? {} : readRunConfig(resume)),
    ...(file === undefined ? {} : readConfigFile(file)),
    ...given,
  });
  checkNames(config);
  const folder = resolve(resume ?? out ?? join('runs', `${config.dataset}-${config.model}`));
  if (resume === undefined) refuseUsedFolder(folder);
  const engineName = await startEngine({ ...(engine && { engine }), ...(threads && { threads }) });
  const begin = performance.now();
  const progress = trainingProgress(config.steps);
  const run = await interruptible((signal) =>
    trainRun(config, { out: folder, resume: resume !== undefined, compile, signal, ...progress }),
  ).finally(() => progress.stop());
  run.model.dispose();
  writeAtomically(join(folder, 'loss.png'), lossPlot(run.steps, `${config.model} on ${config.dataset}`));
  const seconds = (performance.now() - begin) / 1000;
  const result = { out: folder, engine: engineName, parameters: run.parameters, steps: run.steps.length, seconds };
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `trained ${config.steps} steps: ${folder}\n`);
}

function refuseUsedFolder(folder: string): void {
  if (!existsSync(checkpointsOf(folder)) || listCheckpoints(checkpointsOf(folder)).length === 0) return;
  const message = `\`${folder}\` holds a run already. Go on with it (missing-u train --resume ${folder}) or name another \`--out\`.`;
  throw new DiffusionError('DIFFUSION_RUN_EXISTS', message);
}
