import { compile, EngineError, type Compiled } from '@missing-u/engine';
import * as tf from '@tensorflow/tfjs-core';
import { checkOutput } from '../check-output.ts';
import { guided } from '../compiled.ts';
import type { Condition, Denoiser } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { isAsynchronous, isPromise } from './answer.ts';

/** The engine that has graphs, `native`, by the name of its backend in TensorFlow.js. */
const WITH_GRAPHS = 'tensorflow';

type PredictFunction = (
  sample: tf.Tensor4D,
  timesteps: tf.Tensor1D,
  ...condition: (tf.Tensor1D | tf.Tensor4D)[]
) => tf.Tensor4D;

/**
 * Calls a denoiser for a sampler, as a graph where the engine has graphs (`native`). The networks of this project are compiled
 * unless they cannot be; other denoisers may want times as numbers, and are compiled only where asked.
 */
export class Predictor implements Denoiser {
  readonly denoiser: Denoiser;
  readonly #mode: 'always' | 'if possible' | 'never';
  /** By whether there are labels. */
  readonly #compiled = new Map<boolean, Compiled<PredictFunction>>();
  #refused = false;
  #disposed = false;

  /** @param wanted true: always, false: never, undefined: networks of this project, unless they cannot be compiled */
  constructor(denoiser: Denoiser, wanted: boolean | undefined) {
    this.denoiser = denoiser;
    const ours = isModule(denoiser) && !isAsynchronous(denoiser);
    this.#mode = wanted === undefined ? (ours ? 'if possible' : 'never') : wanted ? 'always' : 'never';
  }

  get asynchronous(): boolean {
    return isAsynchronous(this.denoiser);
  }

  /**
   * What the denoiser answers, which may be a promise where it is not compiled.
   *
   * @throws DiffusionError `DIFFUSION_BAD_DENOISER_OUTPUT`, `DIFFUSION_NOT_COMPILABLE`
   */
  predict(sample: tf.Tensor4D, timestep: number, condition?: Condition): tf.Tensor4D {
    if (!this.#compiles) return this.#plain(sample, timestep, condition);
    try {
      return this.#graph(sample, timestep, condition);
    } catch (error) {
      const cause = (error as Error).cause;
      if (this.#mode === 'always' || !(cause instanceof EngineError)) throw error;
      this.#refused = true;
      return this.#plain(sample, timestep, condition);
    }
  }

  /** Makes the graph for samples of this shape, where there is to be one, so that calls from here on take their own time only. */
  prepare(sample: tf.Tensor4D, timestep: number): void {
    // One call records it, the next looks for what changes from call to call.
    for (let call = 0; this.#compiles && call < 2; call++) this.predict(sample, timestep).dispose();
  }

  /** Frees the graphs; the denoiser is the caller's. Processes that are on their way with it go on without graphs. */
  dispose(): void {
    this.#disposed = true;
    for (const run of this.#compiled.values()) run.dispose();
    this.#compiled.clear();
  }

  get #compiles(): boolean {
    return this.#mode !== 'never' && !this.#refused && !this.#disposed && tf.getBackend() === WITH_GRAPHS;
  }

  #plain(sample: tf.Tensor4D, timestep: number, condition: Condition | undefined): tf.Tensor4D {
    return condition ? this.denoiser.predict(sample, timestep, condition) : this.denoiser.predict(sample, timestep);
  }

  #graph(sample: tf.Tensor4D, timestep: number, condition: Condition = {}): tf.Tensor4D {
    if (isAsynchronous(this.denoiser)) throw promised();
    const { classLabels, selfCondition } = condition;
    return tf.tidy(() => {
      const labels = classLabels === undefined ? [] : [asTensor(classLabels)];
      const times = tf.fill<tf.Rank.R1>([sample.shape[0]], timestep);
      const inputs = [...labels, ...(selfCondition === undefined ? [] : [selfCondition])];
      const run = this.#compiledFor(labels.length === 1);
      return guided(() => run(sample, times, ...inputs));
    });
  }

  /** What the inputs beyond images and times mean is part of the function. */
  #compiledFor(labelled: boolean): Compiled<PredictFunction> {
    const known = this.#compiled.get(labelled);
    if (known !== undefined) return known;
    const run = compile<PredictFunction>((sample, timesteps, ...inputs) => {
      const classLabels = labelled ? { classLabels: inputs[0] as tf.Tensor1D } : {};
      const rest = inputs.slice(labelled ? 1 : 0);
      const selfCondition = rest.length === 0 ? {} : { selfCondition: rest[0] as tf.Tensor4D };
      const condition = inputs.length === 0 ? undefined : { ...classLabels, ...selfCondition };
      const output = this.denoiser.predict(sample, timesteps, condition);
      if (isPromise(output)) throw promised(output);
      checkOutput(output, sample);
      return output;
    });
    this.#compiled.set(labelled, run);
    return run;
  }
}

/** Why a denoiser that answers with promises cannot be compiled; what becomes of its answer is nobody's concern any more. */
function promised(answer?: PromiseLike<unknown>): DiffusionError {
  answer?.then(undefined, () => undefined);
  const message =
    'With `compile: true` the denoiser has to answer at once, but it answers with a promise, which a graph cannot wait for. ' +
    'Leave `compile` out, or set it to false: it then runs as it is.';
  return new DiffusionError('DIFFUSION_NOT_COMPILABLE', message);
}

function asTensor(labels: tf.Tensor1D | readonly number[]): tf.Tensor1D {
  return labels instanceof tf.Tensor ? labels : tf.tensor1d([...labels], 'float32');
}

/** Whether a denoiser is a tree of modules, whose predictions depend on tensors alone. */
export function isModule(denoiser: Denoiser): boolean {
  return typeof (denoiser as { directMembers?: unknown }).directMembers === 'function';
}
