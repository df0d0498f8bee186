import { readFileSync } from 'node:fs';
import * as schedulers from '../src/index.ts';
import {
  torchGenerator,
  type NumberArray,
  type Precision,
  type SchedulerConfig,
  type StepResult,
  type TimestepRequest,
} from '../src/index.ts';

/** One run of diffusers, written by tools/reference/schedulers (see harness.py there). */
export interface GoldenCase {
  class: string;
  config: Record<string, unknown>;
  steps?: number;
  timesteps?: number[];
  sigmas?: number[];
  set?: Record<string, unknown>;
  /** Options of every step. */
  step?: Record<string, unknown>;
  /** Begin at this index, from noised data. */
  start?: number;
  /** false: the sample is not scaled by initNoiseSigma. */
  scaled?: boolean;
  /** The scaled model input replaces the sample, a quirk of diffusers' own tests. */
  overwrite?: boolean;
  learned?: boolean;
  /** Steps are told where they end (UnCLIP). */
  skip?: boolean;
  /** The sample is scaled by initNoiseSigma before noise is added, as the tests on noise levels do. */
  startScaled?: boolean;
  /** The model sees the sample as it is (EDM-DPM's published tests). */
  unscaledInput?: boolean;
  /** The loop begins late, without noise. */
  plainStart?: boolean;
  /** The loop is run twice, with the position alone set back (iPNDM's published test). */
  twice?: boolean;
  /** How many numbers the sample has, if not 768. */
  count?: number;
  /** Of RePaint's loop. */
  jump_length?: number;
  jump_n_sample?: number;
  seed?: number;
  float32: GoldenNumbers;
  float64: GoldenNumbers;
}

export interface GoldenNumbers {
  timesteps: number[];
  sum: number;
  values: number[];
  sigmas?: number[];
  original?: number;
}

interface AnyScheduler {
  timesteps: Float64Array;
  sigmas?: Float64Array;
  initNoiseSigma: number;
  reset(): void;
  setTimesteps(request: TimestepRequest, options?: Record<string, unknown>): void;
  scaleModelInput(sample: NumberArray, t: number): NumberArray;
  addNoise(x0: NumberArray, noise: NumberArray, t: number): NumberArray;
  step(output: NumberArray, t: number, sample: NumberArray, options: object): StepResult<NumberArray>;
}

export function goldenCases(fixture: string): GoldenCase[] {
  const text = readFileSync(new URL(`./fixtures/${fixture}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { cases: GoldenCase[] }).cases;
}

/** A case in a test's title. */
export function titleOf(golden: GoldenCase): string {
  const shown = [
    'steps',
    'timesteps',
    'sigmas',
    'start',
    'step',
    'set',
    'overwrite',
    'learned',
    'scaled',
    'skip',
    'twice',
    'jump_length',
    'jump_n_sample',
  ] as const;
  const rest = shown.filter((key) => golden[key] !== undefined).map((key) => `${key} ${JSON.stringify(golden[key])}`);
  return `${golden.class} ${JSON.stringify(golden.config)} ${rest.join(' ')}`;
}

export function make(name: string, config: object): AnyScheduler {
  const constructors = schedulers as unknown as Record<string, new (config: SchedulerConfig) => AnyScheduler>;
  return new constructors[name]!({ _class_name: name, ...config });
}

const COUNT = 768;
const WHERE = [0, 1, 100, 301, 500, 767];

/** `dummy_sample_deter` of diffusers' tests, flattened: element [b, k] of shape (4, 192) is (4k + b) / 768. */
export function ramp(precision: Precision, count = COUNT): NumberArray {
  const row = count / 4;
  const numbers = Float64Array.from({ length: count }, (_, i) => ((i % row) * 4 + Math.floor(i / row)) / count);
  return precision === 'float64' ? numbers : Float32Array.from(numbers);
}

/** `dummy_noise_deter`: the same numbers falling. */
export function fallingRamp(precision: Precision, count = COUNT): NumberArray {
  return ramp(precision, count).map((x) => (count - 1) / count - x);
}

/** The model of diffusers' tests. */
export function model(sample: NumberArray, t: number): NumberArray {
  return sample.map((x) => (x * t) / (t + 1));
}

/** Runs a case on plain arrays as harness.py runs it in Python, `matchDiffusers` included. */
export function runGolden(
  golden: Omit<GoldenCase, 'float32' | 'float64'>,
  precision: Precision,
  matchDiffusers = true,
): GoldenNumbers {
  const scheduler = make(golden.class, { ...golden.config, precision, match_diffusers: matchDiffusers });
  const generator = torchGenerator(golden.seed ?? 0);
  if (golden.steps !== undefined && golden.sigmas === undefined)
    scheduler.setTimesteps(golden.steps, camelCased(golden.set));
  else if (golden.timesteps !== undefined)
    scheduler.setTimesteps({ timesteps: golden.timesteps }, camelCased(golden.set));
  else if (golden.sigmas !== undefined) scheduler.setTimesteps({ sigmas: golden.sigmas }, camelCased(golden.set));
  const start = golden.start ?? 0;
  const times = scheduler.timesteps.subarray(start);
  let sample = ramp(precision, golden.count);
  const isNoised = golden.start !== undefined && golden.plainStart !== true;
  if (golden.scaled !== false && (!isNoised || golden.startScaled === true)) {
    sample = sample.map((x) => x * scheduler.initNoiseSigma);
  }
  if (isNoised) sample = scheduler.addNoise(sample, fallingRamp(precision, golden.count), times[0]!);
  let original: NumberArray | undefined;
  const options = { ...camelCased(golden.step), generator, shape: [4, sample.length / 4] };
  for (const [i, t] of [...times, ...(golden.twice === true ? times : [])].entries()) {
    if (i === times.length) scheduler.reset();
    const seen = golden.unscaledInput === true ? sample : scheduler.scaleModelInput(sample, t);
    if (golden.overwrite === true) sample = seen;
    const output = model(seen, t);
    const result = scheduler.step(golden.learned === true ? withVariance(output) : output, t, sample, options);
    sample = result.prevSample;
    original = result.predOriginalSample;
  }
  return {
    ...summary(scheduler.timesteps, sample),
    ...(scheduler.sigmas === undefined ? {} : { sigmas: [...scheduler.sigmas] }),
    ...(original === undefined ? {} : { original: absoluteSum(original) }),
  };
}

/** What fixtures keep of a loop. */
export function summary(timesteps: Float64Array, sample: NumberArray): GoldenNumbers {
  return {
    timesteps: [...timesteps].slice(0, 25),
    sum: absoluteSum(sample),
    values: WHERE.map((i) => sample[i]!),
  };
}

export function absoluteSum(numbers: NumberArray): number {
  return Float64Array.from(numbers).reduce((sum, x) => sum + Math.abs(x), 0);
}

function withVariance(output: NumberArray): NumberArray {
  const rows = Array.from({ length: 4 }, (_, item) => {
    const mean = Array.from(output.subarray(item * 192, (item + 1) * 192));
    return [...mean, ...mean.map((x) => Math.min(0.5 * Math.abs(x) + 0.1, 1))];
  });
  return output instanceof Float64Array ? Float64Array.from(rows.flat()) : Float32Array.from(rows.flat());
}

function camelCased(options: Record<string, unknown> = {}): Record<string, unknown> {
  const camel = (key: string) => key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
}
