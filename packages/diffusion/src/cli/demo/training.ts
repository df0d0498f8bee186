import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { lossPlot } from '../../plots/loss-plot.ts';
import { imageShapeOf } from '../../pipelines/image-shape.ts';
import { resolveConfig } from '../../runs/config.ts';
import { makeFolder, writeAtomically } from '../../runs/files.ts';
import type { LoggedStep } from '../../runs/metrics-log.ts';
import { makeScheduler } from '../../runs/registry.ts';
import { trainRun } from '../../runs/train-run.ts';
import { interruptible } from '../interrupt.ts';
import type { DemoFlags } from './flags.ts';
import { needsDigits } from './needs-digits.ts';
import { duration, trainingProgress } from '../progress.ts';
import { sampleGrid } from '../sample-grid.ts';
import { startEngine } from '../start-engine.ts';

/** DDIM steps and images of the final picture. */
const sampling = { scheduler: 'ddim', steps: 50, count: 64, batch: 64 };

/** Trains a small cU-Net on MNIST from scratch and samples digits from it. */
export async function trainingDemo(flags: DemoFlags): Promise<void> {
  // Velocity instead of noise: after a few hundred steps its samples have clean backgrounds, those of noise are still grey.
  const config = resolveConfig({
    channels: 8,
    batch: 16,
    prediction: 'v_prediction',
    learningRate: 2e-3,
    learningRateSchedule: 'cosine',
    warmupSteps: 20,
    emaDecay: 0.99,
    checkpointEvery: 100,
    steps: flags.steps ?? 300,
    seed: flags.seed,
  });
  const out = resolve(flags.out);
  const run = join(out, 'run');
  makeFolder(out);
  rmSync(run, { recursive: true, force: true });
  const engine = await startEngine(flags);
  const begin = performance.now();
  const progress = trainingProgress(config.steps);
  const { model, parameters, steps } = await interruptible((signal) =>
    needsDigits(trainRun(config, { out: run, resume: false, signal, ...progress })),
  ).finally(() => progress.stop());
  try {
    writeAtomically(join(out, 'loss.png'), lossPlot(steps, 'cU-Net on MNIST'));
    const trained = performance.now();
    const samples = join(out, 'samples.png');
    await sampleGrid({
      ...sampling,
      seed: flags.seed,
      out: samples,
      network: model,
      imageShape: imageShapeOf(model),
      scheduler: makeScheduler(sampling.scheduler, config),
      settings: { begun: Date.now() },
    });
    const seconds = (performance.now() - begin) / 1000;
    const loss = { first: meanLoss(steps.slice(0, 1)), last: meanLoss(steps.slice(-50)) };
    const report = {
      engine,
      model: config.model,
      parameters,
      steps: steps.length,
      seconds,
      secondsTraining: (trained - begin) / 1000,
      stepsPerSecond: (steps.length * 1000) / (trained - begin),
      loss,
      samples,
    };
    writeAtomically(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
    process.stdout.write(
      flags.json
        ? `${JSON.stringify(report)}\n`
        : `\ntrained ${parameters.toLocaleString('en')} parameters for ${steps.length} steps in ${duration(seconds)}: ` +
            `loss ${loss.first.toFixed(3)} -> ${loss.last.toFixed(3)}\n${samples}\n${join(out, 'loss.png')}\n`,
    );
  } finally {
    model.dispose();
  }
}

function meanLoss(steps: readonly LoggedStep[]): number {
  return steps.reduce((sum, { loss }) => sum + loss, 0) / steps.length;
}
