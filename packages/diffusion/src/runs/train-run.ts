import { nextTurn } from '../next-turn.ts';
import { Trainer, type TrainingStep } from '../training/trainer.ts';
import { readCheckpoint, readParameters, writeCheckpoint } from './checkpoint.ts';
import type { Network } from '../networks.ts';
import type { RunConfig } from './config.ts';
import { EventFile } from './event-file.ts';
import { makeFolder, writeAtomically } from './files.ts';
import { lockRun } from './lock.ts';
import { MetricsLog, type LoggedStep } from './metrics-log.ts';
import { assignParameters } from './parameters.ts';
import { makeModel, makeScheduler, openDataset } from './registry.ts';
import { checkpointsOf, configFile, latestCheckpoint, metricsFile } from './run-folder.ts';

export interface TrainRunOptions {
  /** The run's folder. */
  out: string;
  /** Go on from the newest checkpoint of the folder. */
  resume: boolean;
  /** Run the steps as graphs where the engine can; default true. */
  compile?: boolean;
  /** Ends training in good order: a checkpoint is written, then the signal's reason is thrown. */
  signal: AbortSignal;
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

/** Trains a run's network in a folder, writing `config.json`, `metrics.jsonl` and checkpoints as it goes. */
export async function trainRun(config: RunConfig, options: TrainRunOptions): Promise<TrainedRun> {
  const { out, resume, compile = true, signal } = options;
  const dataset = await openDataset(config);
  const model = makeModel(config);
  makeFolder(checkpointsOf(out));
  const unlock = lockRun(out);
  const trainer = new Trainer({
    ...config,
    denoiser: model,
    scheduler: makeScheduler('ddpm', config),
    schedule: config.learningRateSchedule,
    totalSteps: config.steps,
    ema: { decay: config.emaDecay },
    compile,
  });
  const log = new MetricsLog(metricsFile(out));
  const batches = dataset.batches({
    batchSize: config.batch,
    shuffle: { seed: config.seed },
    epochs: Infinity,
    dropLast: true,
  });
  const events = new EventFile(out);
  let saved = 0;
  const save = async () => {
    if (trainer.step === saved) return;
    const [state, weights] = await Promise.all([trainer.state(), readParameters(trainer.parameters.parameters)]);
    writeCheckpoint(checkpointsOf(out), { ...state, weights, data: batches.state() }, config.keepCheckpoints);
    saved = trainer.step;
  };
  try {
    if (resume) {
      const checkpoint = await readCheckpoint(latestCheckpoint(out));
      assignParameters(trainer.parameters.parameters, checkpoint.weights);
      trainer.restore(checkpoint);
      await batches.restore(checkpoint.data as ReturnType<typeof batches.state>);
      saved = trainer.step;
    }
    log.rewindTo(trainer.step);
    writeAtomically(configFile(out), `${JSON.stringify(config, null, 2)}\n`);
    options.onStart?.({ parameters: trainer.parameters.size, firstStep: trainer.step });
    while (trainer.step < config.steps) {
      await nextTurn();
      const { value: batch, done } = await batches.next();
      if (done === true) break;
      const result = await trainer.trainStep(batch).finally(() => batch.images.dispose());
      log.append(result);
      events.scalars(result.step, {
        loss: result.loss,
        'gradient norm': result.gradNorm,
        'learning rate': result.learningRate,
      });
      options.onStep?.(result);
      if (trainer.step % config.checkpointEvery === 0 || signal.aborted) await save();
      signal.throwIfAborted();
    }
    await save();
    trainer.useEma();
    return { model, parameters: trainer.parameters.size, steps: log.read() };
  } catch (error) {
    model.dispose();
    throw error;
  } finally {
    await batches.return?.();
    trainer.dispose();
    unlock();
  }
}
