import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { evaluate } from '../evaluation/evaluate.ts';
import { imageGrid } from '../images/grid.ts';
import { lossPlot } from '../plots/loss-plot.ts';
import { DiffusionPipeline } from '../pipelines/diffusion-pipeline.ts';
import type { Network } from '../networks.ts';
import type { Trainer, TrainingStep } from '../training/trainer.ts';
import { validate, type Validation } from '../training/validate.ts';
import type { RunConfig } from './config.ts';
import { EventFile } from './event-file.ts';
import { openDistance, type TrainingDistance } from './features.ts';
import { writeAtomically } from './files.ts';
import { MetricsLog, type LoggedStep } from './metrics-log.ts';
import { datasetChannels, makeScheduler, nullLabelOf, openDataset } from './registry.ts';
import { evaluationFile, lossPlotFile, metricsFile, samplesOf, validationFile } from './run-folder.ts';

/** Pictures and steps of the samples that a training shows. */
const shown = { count: 16, steps: 50 };
/** A plot of the loss takes as long as some training steps, so it is not drawn at every checkpoint of a quick run. */
const SECONDS_BETWEEN_PLOTS = 30;
/** Parts of the chain that a validation tells the loss of, where it is long enough. */
const BINS = 10;

type LoggedValidation = { step: number } & Validation;
type LoggedEvaluation = { step: number } & Record<string, number>;

interface Parts {
  out: string;
  config: RunConfig;
  model: Network;
  trainer: Trainer;
  signal: AbortSignal;
  compile: boolean;
}

/** What a run shows of itself while it trains: logs, TensorBoard events, plots, samples, validations, Fréchet distances. */
export class RunReport {
  readonly #parts: Parts;
  readonly #steps: MetricsLog;
  readonly #validations: MetricsLog<LoggedValidation>;
  readonly #evaluations: MetricsLog<LoggedEvaluation>;
  readonly #events: EventFile;
  #distance: TrainingDistance | undefined;
  /** One for all samples: each would prepare the graph of the network anew, and hold it. */
  #sampler: DiffusionPipeline | undefined;
  #plotted = 0;
  #since = { sum: 0, count: 0 };

  /** Goes on from the step that the trainer is at, forgetting what was logged later. */
  constructor(parts: Parts) {
    const { out, trainer } = parts;
    this.#parts = parts;
    this.#steps = new MetricsLog(metricsFile(out));
    this.#validations = new MetricsLog(validationFile(out));
    this.#evaluations = new MetricsLog(evaluationFile(out));
    for (const log of [this.#steps, this.#validations, this.#evaluations]) log.rewindTo(trainer.step);
    this.#events = new EventFile(out);
    if (trainer.step > 0) this.#events.restart(trainer.step + 1);
  }

  /** Opens what the run will need later, so that what is missing is said now and not after a thousand steps. */
  async prepare(): Promise<void> {
    const { config } = this.#parts;
    if (config.evaluateEvery === 0) return;
    this.#distance ??= await openDistance(config, { realCount: Math.max(2048, config.evaluateCount), batch: 64 });
  }

  /** Takes note of a step, and does what is due after it. */
  async after(result: TrainingStep): Promise<void> {
    const { step, loss, gradNorm, learningRate } = result;
    const { sampleEvery, validateEvery, evaluateEvery } = this.#parts.config;
    this.#steps.append({ step, loss, gradNorm, learningRate });
    this.#events.scalars(step, { loss, 'gradient norm': gradNorm, 'learning rate': learningRate });
    this.#since = { sum: this.#since.sum + loss, count: this.#since.count + 1 };
    const due = (every: number) => every > 0 && step % every === 0;
    if (due(validateEvery)) await this.#validate(step);
    if (due(sampleEvery)) await this.#sample(step);
    if (due(evaluateEvery)) await this.#evaluate(step);
  }

  /** The loss by which checkpoints are compared: of the last validation, or the mean of the steps since it was last asked. */
  takeScore(): number | undefined {
    if (this.#parts.config.validateEvery > 0) return this.#validations.read().at(-1)?.loss;
    const { sum, count } = this.#since;
    this.#since = { sum: 0, count: 0 };
    return count === 0 ? undefined : sum / count;
  }

  /** Draws the loss, unless it was drawn a moment ago. */
  plot({ always = false }: { always?: boolean } = {}): void {
    const now = performance.now();
    if (!always && now - this.#plotted < SECONDS_BETWEEN_PLOTS * 1000) return;
    this.#plotted = now;
    const { out, config } = this.#parts;
    writeAtomically(lossPlotFile(out), lossPlot(this.#steps.read(), `${config.model} on ${config.dataset}`));
  }

  steps(): LoggedStep[] {
    return this.#steps.read();
  }

  dispose(): void {
    this.#distance?.dispose();
    this.#sampler?.dispose();
  }

  async #validate(step: number): Promise<void> {
    const { config, model, trainer, compile } = this.#parts;
    const dataset = (await openDataset(config, 'validation')).take(config.validationCount);
    try {
      const measured = await trainer.withEma(() =>
        validate({
          denoiser: model,
          scheduler: makeScheduler('ddpm', config),
          batches: dataset.batches({ batchSize: config.batch }),
          bins: Math.min(BINS, config.timesteps),
          seed: config.seed,
          classConditioning: config.classConditioning,
          compile,
        }),
      );
      this.#validations.append({ step, ...measured });
      const bins = measured.bins.map(({ from, to, loss }) => [`validation/t ${from}-${to}`, loss] as const);
      this.#events.scalars(step, { 'validation/loss': measured.loss, ...Object.fromEntries(bins) });
    } finally {
      await dataset.close();
    }
  }

  async #sample(step: number): Promise<void> {
    const { out, trainer } = this.#parts;
    const images = await trainer.withEma(() => this.#pipeline().sample(this.#sampling(shown.count)));
    try {
      const grid = imageGrid({ data: await images.data(), shape: images.shape });
      const { data, width, height, channels } = grid;
      const png = await sharp(data, { raw: { width, height, channels: channels as 1 | 3 } })
        .png()
        .toBuffer();
      mkdirSync(samplesOf(out), { recursive: true });
      writeAtomically(join(samplesOf(out), `step-${String(step).padStart(8, '0')}.png`), png);
      this.#events.image(step, 'samples', { png, width, height });
    } finally {
      images.dispose();
    }
  }

  async #evaluate(step: number): Promise<void> {
    const { config, trainer } = this.#parts;
    const { name, measure } = this.#distance!;
    const count = config.evaluateCount;
    const { values } = await trainer.withEma(() => {
      const { batchSize: _, ...sampling } = this.#sampling(count);
      return evaluate({ ...sampling, pipeline: this.#pipeline(), count, metrics: { [name]: measure() } });
    });
    this.#evaluations.append({ step, ...values });
    this.#events.scalars(step, values);
  }

  #pipeline(): DiffusionPipeline {
    const { config, model } = this.#parts;
    this.#sampler ??= new DiffusionPipeline({ unet: model, scheduler: makeScheduler('ddim', config) });
    return this.#sampler;
  }

  #sampling(batchSize: number) {
    const { config, signal, compile } = this.#parts;
    const classes = nullLabelOf(config);
    return {
      batchSize,
      imageShape: [config.size, config.size, datasetChannels(config)] as const,
      numInferenceSteps: Math.min(shown.steps, config.timesteps),
      generator: config.seed,
      signal,
      compile,
      ...(config.classConditioning && { classLabels: Array.from({ length: batchSize }, (_, i) => i % classes) }),
      ...(config.selfConditioning && { selfConditioning: true }),
    };
  }
}
