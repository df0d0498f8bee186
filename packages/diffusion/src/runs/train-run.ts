import { invalidArgument } from '@missing-u/errors';
import { randomFlip, type TensorBatch } from '@missing-u/datasets';
import { DiffusionError } from '../errors.ts';
import { presetNames, type Network } from '../networks.ts';
import { nextTurn } from '../next-turn.ts';
import { Trainer, type TrainerOptions, type TrainingStep } from '../training/trainer.ts';
import {
  findCheckpoint,
  readCheckpoint,
  readParameters,
  removeLaterThan,
  removeUnfinished,
  writeCheckpoint,
  type Checkpoint,
} from './checkpoint.ts';
import type { RunConfig } from './config.ts';
import { makeFolder, writeAtomically } from './files.ts';
import { lockRun } from './lock.ts';
import type { LoggedStep } from './metrics-log.ts';
import { openModel } from './open-model.ts';
import { assignParameters } from './parameters.ts';
import { checkNames, makeModel, makeScheduler, nullLabelOf, openDataset } from './registry.ts';
import { checkpointsOf, configFile } from './run-folder.ts';
import { RunReport } from './run-report.ts';

export interface TrainRunOptions {
  /** The run's folder. */
  out: string;
  /** Go on from a checkpoint of the folder, or from the start where there is none yet. */
  resume: boolean;
  /** Which checkpoint: `latest` (default), `best`, a step, or the name of its folder; later ones are removed. */
  checkpoint?: string;
  /** Run the steps as graphs where the engine can; default true. */
  compile?: boolean;
  /** Most bytes that a compiled step may hold at a time (see `TrainerOptions`); default: no limit. */
  memoryBudget?: number;
  /** Ends training in good order: a checkpoint is written, then the signal's reason is thrown. */
  signal?: AbortSignal;
  onStart?: (run: { parameters: number; firstStep: number }) => void;
  onStep?: (step: TrainingStep) => void;
}

export interface TrainedRun {
  /** The network with the averaged weights; the caller disposes it. */
  model: Network;
  parameters: number;
  /** Every step of the run, those of earlier sittings too. */
  steps: LoggedStep[];
}

/**
 * Trains a run's network in a folder, writing `config.json`, `metrics.jsonl` and checkpoints as it goes.
 *
 * @throws DiffusionError `DIFFUSION_BAD_CONFIG`, `DIFFUSION_RUN_LOCKED`, `DIFFUSION_CHECKPOINT_DAMAGED`,
 *   `DIFFUSION_OUTPUT_NOT_WRITABLE`; those of the trainer; with `from` those of `openModel`, and `DIFFUSION_STATE_MISMATCH`
 *   where its network is another
 */
export async function trainRun(config: RunConfig, options: TrainRunOptions): Promise<TrainedRun> {
  const { out, resume } = options;
  checkNames(config);
  const dataset = await openDataset(config);
  checkBatch(config, dataset.length);
  const model = makeModel(config);
  try {
    const begun = resume && findCheckpoint(checkpointsOf(out), options.checkpoint) !== undefined;
    if (!begun && config.from !== null) await beginWith(config.from, model);
    makeFolder(checkpointsOf(out));
    const unlock = lockRun(out);
    try {
      removeUnfinished(checkpointsOf(out));
      const path = resume ? findCheckpoint(checkpointsOf(out), options.checkpoint) : undefined;
      const checkpoint = path === undefined ? undefined : await readCheckpoint(path);
      const images = config.randomFlip ? dataset.map(randomFlip({ seed: config.seed })) : dataset;
      const batches = images.batches({
        batchSize: config.batch,
        shuffle: { seed: config.seed },
        epochs: Infinity,
        dropLast: true,
      });
      try {
        return await train({ config, model, batches, ...(checkpoint && { checkpoint }) }, options);
      } finally {
        await batches.return();
      }
    } finally {
      unlock();
    }
  } catch (error) {
    model.dispose();
    throw error;
  } finally {
    await dataset.close();
  }
}

interface Parts {
  config: RunConfig;
  model: Network;
  batches: Batches;
  checkpoint?: Checkpoint;
}

type Batches = ReturnType<Awaited<ReturnType<typeof openDataset>>['batches']> & AsyncIterator<TensorBatch>;

/** Everything between the lock and its release. */
async function train({ config, model, batches, checkpoint }: Parts, options: TrainRunOptions): Promise<TrainedRun> {
  const { out, compile = true, signal = new AbortController().signal } = options;
  const { memoryBudget } = options;
  const trainer = makeTrainer(config, model, { compile, ...(memoryBudget !== undefined && { memoryBudget }) });
  let report: RunReport | undefined;
  try {
    if (checkpoint !== undefined) {
      assignParameters(trainer.parameters.parameters, checkpoint.weights);
      trainer.restore(checkpoint);
      await batches.restore(checkpoint.data as ReturnType<typeof batches.state>);
      removeLaterThan(checkpointsOf(out), trainer.step);
    }
    writeAtomically(configFile(out), `${JSON.stringify(config, null, 2)}\n`);
    report = new RunReport({ out, config, model, trainer, signal, compile });
    await report.prepare();
    let saved = trainer.step;
    const save = async () => {
      if (trainer.step === saved) return;
      const [state, weights] = await Promise.all([trainer.state(), readParameters(trainer.parameters.parameters)]);
      const score = report!.takeScore();
      const content = { ...state, weights, data: batches.state(), ...(score !== undefined && { score }) };
      writeCheckpoint(checkpointsOf(out), content, config.keepCheckpoints);
      saved = trainer.step;
      report!.plot();
    };
    options.onStart?.({ parameters: trainer.parameters.size, firstStep: trainer.step });
    while (trainer.step < config.steps) {
      await nextTurn();
      const taken = await take(batches, config.accumulate);
      const result = await trainer.trainStep(taken).finally(() => taken.forEach(({ images }) => images.dispose()));
      await report.after(result).catch(async (error: unknown) => {
        // A signal also ends the sampling of pictures; the step is made all the same.
        if (signal.aborted) return;
        await save();
        throw error;
      });
      options.onStep?.(result);
      if (trainer.step % config.checkpointEvery === 0 || signal.aborted) await save();
      signal.throwIfAborted();
    }
    await save();
    report.plot({ always: true });
    trainer.useEma();
    return { model, parameters: trainer.parameters.size, steps: report.steps() };
  } finally {
    report?.dispose();
    trainer.dispose();
  }
}

/** Gives a network the weights of another of the same architecture. */
async function beginWith(name: string, model: Network): Promise<void> {
  if (presetNames.includes(name)) {
    const allowed = 'a trained model: this is a preset, whose weights are random, as those of a run without `from`';
    throw new DiffusionError('DIFFUSION_BAD_CONFIG', invalidArgument({ argument: 'from', value: name, allowed }));
  }
  const { network } = await openModel(name);
  try {
    model.loadStateDict(network.stateDict());
  } catch (cause) {
    const message =
      `The network of \`from\`, '${name}', is another than the one to train: give \`model\`, \`channels\` and ` +
      `\`modelOptions\` as it has them (\`missing-u summary ${name}\` shows it).`;
    throw new DiffusionError('DIFFUSION_STATE_MISMATCH', message, { cause });
  } finally {
    network.dispose();
  }
}

/** The trainer that a configuration describes. */
export function makeTrainer(
  config: RunConfig,
  model: Network,
  { compile, memoryBudget }: Pick<TrainerOptions, 'compile' | 'memoryBudget'>,
): Trainer {
  const { seed, learningRate, learningRateSchedule, warmupSteps, decaySteps, steps, betas, weightDecay } = config;
  const { maxGradNorm, lossWeighting, lossGamma, noiseJitter, noiseJitterMost } = config;
  const { timestepSampling, logitMean, logitStd, uniformShare } = config;
  const { selfConditioning, classConditioning, labelDropout } = config;
  const decays = typeof config.emaDecay === 'number' ? [config.emaDecay] : config.emaDecay;
  return new Trainer({
    denoiser: model,
    scheduler: makeScheduler('ddpm', config),
    ...{ seed, learningRate, schedule: learningRateSchedule, warmupSteps, decaySteps, totalSteps: steps },
    ...{ betas, weightDecay, maxGradNorm, lossWeighting, noiseJitter, noiseJitterMost },
    ...{ timestepSampling, logitMean, logitStd, uniformShare },
    ema: decays.map((decay) => ({ decay })),
    selfConditioning,
    ...(compile !== undefined && { compile }),
    ...(memoryBudget !== undefined && { memoryBudget }),
    ...(lossGamma !== null && { lossGamma }),
    ...(classConditioning && { classConditioning: { nullLabel: nullLabelOf(config), dropout: labelDropout } }),
  });
}

/** The next batches of an endless iteration. */
async function take(batches: AsyncIterator<TensorBatch>, count: number): Promise<TensorBatch[]> {
  const taken: TensorBatch[] = [];
  try {
    while (taken.length < count) taken.push(((await batches.next()) as IteratorYieldResult<TensorBatch>).value);
    return taken;
  } catch (error) {
    for (const { images } of taken) images.dispose();
    throw error;
  }
}

function checkBatch({ batch, dataset }: RunConfig, length: number): void {
  if (batch <= length) return;
  const allowed = `an integer from 1 to ${length}, the images of '${dataset}'`;
  throw new DiffusionError('DIFFUSION_BAD_CONFIG', invalidArgument({ argument: 'batch', value: batch, allowed }));
}
