import { invalidArgument } from '@missing-u/errors';
import type * as tf from '@tensorflow/tfjs-core';
import { checkPositive } from '../check-positive.ts';
import type { Denoiser, SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { DiffusionPipeline, type SampleOptions } from '../pipelines/diffusion-pipeline.ts';
import { checkMetricsMaker } from './check-metrics.ts';
import { evaluate, type GenerativeMetric } from './evaluate.ts';
import { measurementKey } from './measurement-key.ts';

/** A model that takes part in a comparison. */
export interface Contender extends ModelFacts {
  unet: Denoiser;
  /** For conditional networks: the class of all images. */
  classLabels?: number;
  /** Its own ways to sample, by the chain that it was trained on; default those of the comparison. */
  samplers?: readonly Sampler[];
}

/** What reports say about a model besides its measurements. */
export interface ModelFacts {
  name: string;
  /** Scalars in the network, multiply-adds of one call on one image, and bytes of a training checkpoint, where known. */
  parameters?: number;
  operations?: number;
  checkpointBytes?: number;
}

/** A way to sample: its name in tables, a scheduler, and what its steps are given. */
export interface Sampler {
  name: string;
  scheduler: SamplingScheduler;
  eta?: number;
}

export interface CompareOptions extends Pick<SampleOptions, 'imageShape' | 'generator' | 'chunkSize' | 'signal'> {
  contenders: readonly Contender[];
  /** For all contenders that do not bring their own. */
  samplers?: readonly Sampler[];
  /** Numbers of denoising steps to try. */
  steps: readonly number[];
  /** Images per measurement. */
  count: number;
  /** Images shown per measurement; default 16. */
  shown?: number;
  /** New metrics that have seen the real images, for each measurement. */
  metrics: () => Readonly<Record<string, GenerativeMetric>>;
  /**
   * From comparisons that differ in contenders, samplers and steps only: what is there of the same network, scheduler and steps is
   * not measured again, whatever its names; what is new is added.
   */
  measurements?: Map<string, Measurement>;
  /** Told after each measurement. */
  onResult?: (result: ComparisonResult) => void;
}

/** One measurement: a model with a sampler and a number of steps. */
export interface ComparisonResult extends Measurement {
  model: string;
  sampler: string;
}

/** What it gave, whoever was measured. */
export interface Measurement {
  steps: number;
  count: number;
  values: Record<string, number>;
  seconds: number;
  /** Time of one call of the network and one step of the scheduler on a chunk of images. */
  secondsPerStep: number;
  /** The first images, [shown, height, width, channels], values in [0, 1]. */
  samples: { data: Float32Array; shape: number[] };
}

/**
 * Measures every model with every sampler and number of steps, on the same noise.
 *
 * @throws DiffusionError `DIFFUSION_DUPLICATE_NAME` where two contenders, or two samplers of one, have one name: reports could not
 *   tell them apart; `DIFFUSION_BAD_COUNT`; `DIFFUSION_BAD_METRICS`
 */
export async function compare(given: CompareOptions): Promise<ComparisonResult[]> {
  const { contenders, samplers: shared = [], steps, measurements = new Map(), onResult, ...options } = given;
  checkPositive({ count: options.count });
  checkMetricsMaker(options.metrics);
  checkNames('contenders', contenders);
  for (const { samplers = shared } of contenders) checkNames('samplers', samplers);
  const results: ComparisonResult[] = [];
  for (const contender of contenders) {
    const { name: model, unet, classLabels, samplers = shared } = contender;
    const sampling = { ...options, ...(classLabels !== undefined && { classLabels }) };
    for (const sampler of samplers) {
      const keyOf = (count: number) => measurementKey(contender, sampler, count);
      const pipeline = new DiffusionPipeline({ unet, scheduler: sampler.scheduler });
      try {
        if (steps.some((count) => !measurements.has(keyOf(count)))) await warmUp(pipeline, sampling);
        for (const numInferenceSteps of steps) {
          const key = keyOf(numInferenceSteps);
          const measured = measurements.get(key) ?? (await measure(pipeline, sampler, numInferenceSteps, sampling));
          measurements.set(key, measured);
          results.push({ model, sampler: sampler.name, ...measured });
          onResult?.(results.at(-1)!);
        }
      } finally {
        pipeline.dispose();
      }
    }
  }
  return results;
}

type Measuring = Omit<CompareOptions, 'contenders' | 'samplers' | 'steps' | 'measurements' | 'onResult'> &
  Pick<Contender, 'classLabels'>;

async function measure(
  pipeline: DiffusionPipeline,
  { eta }: Sampler,
  numInferenceSteps: number,
  { count, shown = 16, metrics, ...sampling }: Measuring,
): Promise<Measurement> {
  const gallery = new Gallery(Math.min(shown, count));
  const { values, seconds, secondsPerStep } = await evaluate({
    ...sampling,
    pipeline,
    count,
    numInferenceSteps,
    metrics: { ...metrics(), [GALLERY]: gallery },
    ...(eta === undefined ? {} : { eta }),
  });
  delete values[GALLERY];
  return { steps: numInferenceSteps, count, values, seconds, secondsPerStep, samples: gallery.images() };
}

function checkNames(argument: string, named: readonly { name: string }[]): void {
  const names = named.map(({ name }) => name);
  if (new Set(names).size === names.length) return;
  const bad = { argument, value: names, allowed: 'a list in which each has a name of its own' };
  throw new DiffusionError('DIFFUSION_DUPLICATE_NAME', invalidArgument(bad));
}

/** Two steps of one chunk: the first calls of a network record its graph, and their time belongs to no measurement. */
async function warmUp(
  pipeline: DiffusionPipeline,
  { count, shown: _shown, metrics: _metrics, ...sampling }: Measuring,
): Promise<void> {
  const batchSize = Math.min(sampling.chunkSize ?? 64, count);
  (await pipeline.sample({ ...sampling, batchSize, numInferenceSteps: 2 })).dispose();
}

const GALLERY = 'gallery';

/** Keeps the first images that pass by. */
class Gallery implements GenerativeMetric {
  readonly #wanted: number;
  #kept = new Float32Array();
  #filled = 0;
  #imageShape: number[] = [];

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  async update(images: tf.Tensor4D): Promise<void> {
    if (this.#filled === 0) {
      this.#imageShape = images.shape.slice(1);
      this.#kept = new Float32Array((this.#wanted * images.size) / images.shape[0]);
    }
    const room = this.#kept.length - this.#filled;
    if (room === 0) return;
    const values = (await images.data()).subarray(0, room);
    this.#kept.set(values, this.#filled);
    this.#filled += values.length;
  }

  compute(): number {
    return 0;
  }

  images(): ComparisonResult['samples'] {
    return { data: this.#kept, shape: [this.#wanted, ...this.#imageShape] };
  }
}

/** The measurement with the lowest value of a metric for each model and sampler: the best number of steps. */
export function bestSteps(results: readonly ComparisonResult[], metric: string): ComparisonResult[] {
  const best = new Map<string, ComparisonResult>();
  for (const result of results) {
    const key = `${result.model}\n${result.sampler}`;
    const before = best.get(key);
    if (before === undefined || result.values[metric]! < before.values[metric]!) best.set(key, result);
  }
  return [...best.values()];
}
