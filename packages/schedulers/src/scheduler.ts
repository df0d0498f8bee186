import { refuse } from './errors.ts';
import { compatiblesOf } from './compatibles.ts';
import { settle, type Definition, type SchedulerConfig } from './config.ts';
import type { SchedulerName } from './registry.ts';
import { rounding, type Precision, type Round } from './precision.ts';
import type { Generator } from '@missing-u/random';
import type { Coefficient } from './arithmetic/arithmetic.ts';
import { Cursor } from './cursor.ts';
import { History } from './history.ts';
import { timestepNumbers, type Sample, type Timestep } from './sample.ts';
import type { TimestepRequest } from './timestep-request.ts';

/** Options that every scheduler of this package has besides diffusers' own. */
export interface CommonOptions {
  /** `float32` rounds tables and coefficients where diffusers' are float32; the default computes them in float64. */
  precision: Precision;
  /** Repeats diffusers' known mistakes, for pictures that depend on them. See the package's documentation for the list. */
  matchDiffusers: boolean;
}

export const COMMON_DEFAULTS: CommonOptions = { precision: 'float64', matchDiffusers: false };

/** What a step may be given besides model output, timestep and sample. */
export interface StepOptions<A extends Sample = Sample> {
  /** Standard normal noise of the sample's shape, for steps that add noise. */
  noise?: A;
  /** Where noise is drawn from if none is given: one generator, or one per batch item. Noise is drawn as float32. */
  generator?: Generator | readonly Generator[];
  /** Shape of a plain array, batch first and channels last; by default it is one item of one channel axis. */
  shape?: readonly number[];
}

export interface StepResult<A extends Sample = Sample> {
  /** The sample at the next, less noisy timestep. */
  prevSample: A;
  /** The model's present estimate of the clean sample. */
  predOriginalSample: A;
}

/**
 * What all schedulers share: settled options, a frozen config and the timesteps to visit. A scheduler turns a model's output
 * at timestep t into the sample at the next timestep.
 */
export abstract class Scheduler<O extends CommonOptions = CommonOptions> {
  /** Model calls per step, as diffusers counts them. */
  readonly order: number = 1;
  /** Standard deviation of the noise that sampling starts from. */
  initNoiseSigma = 1;
  /** The timesteps to visit, from noisy to clean. */
  timesteps: Float64Array = new Float64Array();
  /** The settings as diffusers' JSON, frozen. */
  readonly config: SchedulerConfig;
  protected readonly options: Readonly<O>;
  protected readonly round: Round;
  protected readonly cursor = new Cursor();
  /** What earlier steps left for later ones, in schedulers that look back. */
  protected readonly history = new History();

  constructor(definition: Definition<O>, given: Partial<O> | SchedulerConfig) {
    const { options, config } = settle(definition, given);
    this.options = options;
    this.config = config;
    this.round = rounding(options.precision);
  }

  /** Builds a scheduler of this class from the config of any compatible one. */
  static fromConfig<S>(this: new (config: SchedulerConfig) => S, config: SchedulerConfig): S {
    return new this(config);
  }

  /** Names in `SCHEDULERS` of the classes that this scheduler's config is meant for, its own first: `new SCHEDULERS[name](config)`. */
  get compatibles(): readonly SchedulerName[] {
    return compatiblesOf(this.config['_class_name'] as SchedulerName);
  }

  abstract setTimesteps(request: TimestepRequest): void;

  abstract step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options?: StepOptions<A>): StepResult<A>;

  /** The sample as the model wants to see it at timestep t; by default the sample itself. */
  scaleModelInput<A extends Sample>(sample: A, _t?: Timestep): A {
    return sample;
  }

  /** Forgets what earlier steps left, so that a new sample can be started on the same timesteps. */
  reset(): void {
    this.cursor.reset();
    this.history.clear();
  }

  /**
   * Begins the loop at an index of `timesteps`, for image-to-image: whole timesteps of close noise levels may be equal, and
   * `addNoise` and the first step could not tell where they are. It holds until `setTimesteps` or `reset`.
   */
  setBeginIndex(index: number): void {
    const last = this.timesteps.length - 1;
    if (!(Number.isInteger(index) && index >= 0 && index <= last)) {
      refuse({ argument: 'index', value: index, allowed: `an integer from 0 to ${last}, a place in \`timesteps\`` });
    }
    this.reset();
    this.cursor.begin(index);
  }

  /** Coefficients at a timestep, or vectors of them where every item has its own. */
  protected perItem<K extends string>(t: Timestep, at: (t: number) => Record<K, number>): Record<K, Coefficient> {
    const numbers = timestepNumbers(t);
    if (typeof numbers === 'number') return at(numbers);
    const rows = Array.from(numbers, at);
    const vector = (key: K): [K, Float64Array] => [key, Float64Array.from(rows, (row) => row[key])];
    return Object.fromEntries((Object.keys(rows[0]!) as K[]).map(vector)) as Record<K, Coefficient>;
  }

  /** As `perItem`, by position: repeated timesteps are told apart by their order, as long as the loop keeps to it. */
  protected perPosition<K extends string>(
    t: Timestep,
    at: (position: number) => Record<K, number>,
  ): Record<K, Coefficient> {
    return this.perItem(t, (one) => at(this.cursor.peek(this.timesteps, one)));
  }

  /** Ends a step of a scheduler without memory. */
  protected follow(t: Timestep): void {
    const numbers = timestepNumbers(t);
    if (typeof numbers === 'number') this.cursor.advance(this.timesteps, this.cursor.peek(this.timesteps, numbers));
  }

  /** The position of a step that uses what earlier steps kept: one timestep for the whole batch. */
  protected position(t: Timestep): number {
    const numbers = timestepNumbers(t);
    if (typeof numbers === 'number') return this.cursor.locate(this.timesteps, numbers);
    if (numbers.every((one) => one === numbers[0])) return this.cursor.locate(this.timesteps, numbers[0]!);
    const allowed = 'one timestep for the whole batch, since this scheduler keeps earlier steps';
    return refuse({ argument: 't', value: numbers, allowed, remedy: 'use one scheduler per item' });
  }

  /** Ends the step at `position`; after the last one nothing is kept any more. */
  protected finish(position: number): void {
    if (this.cursor.advance(this.timesteps, position)) this.history.clear();
  }
}
