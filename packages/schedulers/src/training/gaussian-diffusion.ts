import { arithmeticOf } from '../arithmetic/choose.ts';
import type { Arithmetic, Coefficient } from '../arithmetic/arithmetic.ts';
import { checkName, refuse } from '../errors.ts';
import { epsilonMix, mixed, originalMix, type PredictionType } from '../prediction.ts';
import { timestepNumbers, type Sample, type Timestep } from '../sample.ts';
import { cumulativeProduct } from '../schedules/numeric.ts';
import { discretizedLogLikelihood, normalKl, type Normal } from './likelihood.ts';
import { respacedBetas } from './respace.ts';

export type ModelVariance = 'fixed_small' | 'fixed_large' | 'learned' | 'learned_range';
/** Squared error, the variational bound, or both (L_hybrid), each rescaled as improved-diffusion does where its name says so. */
export const LOSS_TYPES = ['mse', 'rescaled_mse', 'kl', 'rescaled_kl'] as const;
export type LossType = (typeof LOSS_TYPES)[number];

export interface GaussianDiffusionOptions {
  betas: Float64Array;
  /** What the model returns: ε, x0 or v. */
  predictionType?: PredictionType;
  modelVariance?: ModelVariance;
  lossType?: LossType;
  /** Keep only these timesteps of the chain (`spaceTimesteps`); the model goes on seeing their original numbers. */
  timesteps?: readonly number[];
  /** Clip x0 to [-1, 1] where the bound is computed. */
  clipDenoised?: boolean;
}

/** A model: its output on noisy samples at the original timesteps, with 2C channels where it learns a variance. */
export type DiffusionModel<A extends Sample> = (x: A, timesteps: Float64Array) => A;

/** The reverse distribution p(x_{t-1} | x_t), and the x0 behind it. */
export interface ReverseDistribution<A> extends Normal<A> {
  predOriginalSample: A;
}

/** The terms of a training loss, one number per item; `loss` is what to minimise. */
export interface LossTerms<A> {
  loss: A;
  mse?: A;
  vb?: A;
}

type Rows = Record<'product' | 'before' | 'beta' | 'posterior' | 'logPosterior' | 'logBeta', number>;

/**
 * A discrete diffusion as improved-diffusion trains and evaluates it: q, p, the variational bound and bits per dimension
 * (Ho et al. 2020, equations 5 to 8 and 13; Nichol and Dhariwal 2021, equations 12 to 16). With `timesteps` it is a
 * respaced chain, `SpacedDiffusion` there. Plain arrays are single items unless `shape` is given.
 */
export class SpacedDiffusion {
  readonly betas: Float64Array;
  readonly alphasCumprod: Float64Array;
  /** The original number of each kept timestep. */
  readonly timestepMap: Float64Array;
  readonly #options: Required<Omit<GaussianDiffusionOptions, 'timesteps'>>;

  constructor(options: GaussianDiffusionOptions) {
    const { betas, timesteps = Array.from(betas, (_, t) => t) } = options;
    const products = cumulativeProduct(
      betas.map((beta) => 1 - beta),
      'float64',
    );
    const isRising = timesteps.every(
      (t, i) => Number.isInteger(t) && t >= 0 && t < betas.length && t > (timesteps[i - 1] ?? -1),
    );
    if (timesteps.length === 0 || !isRising) {
      refuse({
        argument: 'timesteps',
        value: timesteps,
        allowed: `a rising list of integers from 0 to ${betas.length - 1}`,
      });
    }
    const settled = {
      predictionType: 'epsilon',
      modelVariance: 'fixed_small',
      lossType: 'mse',
      clipDenoised: true,
    } as const;
    this.#options = { ...settled, ...options };
    checkName('lossType', this.#options.lossType, LOSS_TYPES);
    this.timestepMap = Float64Array.from(timesteps);
    this.betas = respacedBetas(products, timesteps);
    this.alphasCumprod = Float64Array.from(timesteps, (t) => products[t]!);
  }

  /** x_t = √ᾱ x0 + √(1-ᾱ) ε; t counts kept timesteps. */
  qSample<A extends Sample>(original: A, t: Timestep, noise: A): A {
    const at = this.#at(t, ({ product }) => ({ signal: Math.sqrt(product), sigma: Math.sqrt(1 - product) }));
    return arithmeticOf(original).combine([at.signal, original], [at.sigma, noise]);
  }

  /** Mean and log variance of q(x_{t-1} | x_t, x0) (Ho et al., equations 6 and 7); the variance of t = 0 is that of t = 1. */
  qPosterior<A extends Sample>(original: A, noisy: A, t: Timestep, shape?: readonly number[]): Normal<A> {
    const ops = arithmeticOf(noisy, shape);
    const at = this.#at(t, (row) => ({ ...posteriorMean(row), logVariance: row.logPosterior }));
    return {
      mean: ops.combine([at.original, original], [at.sample, noisy]),
      logVariance: constant(ops, noisy, at.logVariance),
    };
  }

  /** p(x_{t-1} | x_t) of a model's output. */
  pMeanVariance<A extends Sample>(
    modelOutput: A,
    noisy: A,
    t: Timestep,
    shape?: readonly number[],
  ): ReverseDistribution<A> {
    const ops = arithmeticOf(noisy, shape);
    return ops.scope(() => this.#reverse(ops, modelOutput, noisy, t));
  }

  /**
   * The terms of the loss on a batch, one number per item. The bound's gradient of the mean is stopped in the hybrid losses
   * by giving it the output twice: `frozenOutput` is the same output without gradient.
   */
  trainingLosses<A extends Sample>(
    modelOutput: A,
    original: A,
    t: Timestep,
    noise: A,
    options: { frozenOutput?: A; shape?: readonly number[] } = {},
  ): LossTerms<A> {
    const ops = arithmeticOf(original, options.shape);
    const { lossType, predictionType } = this.#options;
    return ops.scope((): LossTerms<A> => {
      const noisy = this.qSample(original, t, noise);
      if (lossType === 'kl' || lossType === 'rescaled_kl') {
        const vb = this.#vbTerm(ops, modelOutput, original, noisy, t);
        return { loss: lossType === 'kl' ? vb : scaledItems(vb, this.betas.length), vb };
      }
      const [output, variance]: [A, A?] = this.#isLearned() ? ops.split(modelOutput) : [modelOutput];
      const target = this.#target(ops, predictionType, original, noise, t);
      const difference = ops.combine([1, output], [-1, target]);
      const mse = ops.itemMeans(ops.multiply(difference, difference));
      if (variance === undefined) return { loss: scaledItems(mse, 1), mse };
      // L_hybrid: the bound teaches the variance alone.
      const whole = this.#vbTerm(ops, modelOutput, original, noisy, t, options.frozenOutput);
      const vb = lossType === 'rescaled_mse' ? scaledItems(whole, this.betas.length / 1000) : scaledItems(whole, 1);
      return { loss: arithmeticOf(mse).combine([1, mse], [1, vb]), mse, vb };
    });
  }

  /**
   * The whole bound in bits per dimension, for each item: the prior's term, one term per timestep, and their sum, with
   * the squared errors along the way. One model call per timestep, from the noisiest.
   */
  bitsPerDim<A extends Sample>(
    model: DiffusionModel<A>,
    original: A,
    noiseAt: (t: number) => A,
    shape?: readonly number[],
  ): Record<'totalBpd' | 'priorBpd', Float64Array> & Record<'vb' | 'xstartMse' | 'mse', Float64Array[]> {
    const ops = arithmeticOf(original, shape);
    const items = ops.shape[0]!;
    const read = (x: A) => Float64Array.from(ops.values(x));
    const priorBpd = ops.scope(() => read(this.#prior(ops, original)));
    const vb: Float64Array[] = [];
    const xstartMse: Float64Array[] = [];
    const mse: Float64Array[] = [];
    for (let t = this.betas.length - 1; t >= 0; t--) {
      ops.scope(() => {
        const noise = noiseAt(t);
        const noisy = this.qSample(original, t, noise);
        const output = model(noisy, new Float64Array(items).fill(this.timestepMap[t]!));
        const { predOriginalSample } = this.#reverse(ops, output, noisy, t);
        const at = this.#at(t, ({ product }) => ({
          ...epsilonMix('sample', Math.sqrt(product), Math.sqrt(1 - product)),
        }));
        const epsilon = mixed(ops, at, noisy, predOriginalSample);
        const squared = (a: A, b: A) => {
          const difference = ops.combine([1, a], [-1, b]);
          return read(ops.itemMeans(ops.multiply(difference, difference)));
        };
        vb.push(read(this.#vbTerm(ops, output, original, noisy, t)));
        xstartMse.push(squared(predOriginalSample, original));
        mse.push(squared(epsilon, noise));
      });
    }
    const totalBpd = priorBpd.map((prior, item) => vb.reduce((sum, term) => sum + term[item]!, prior));
    return { totalBpd, priorBpd, vb, xstartMse, mse };
  }

  #reverse<A extends Sample>(ops: Arithmetic<A>, modelOutput: A, noisy: A, t: Timestep): ReverseDistribution<A> {
    const { predictionType, modelVariance, clipDenoised } = this.#options;
    const [output, variance]: [A, A?] = this.#isLearned() ? ops.split(modelOutput) : [modelOutput];
    const at = this.#at(t, (row) => {
      const mix = originalMix(predictionType, Math.sqrt(row.product), Math.sqrt(1 - row.product));
      return {
        ...posteriorMean(row),
        mixSample: mix.sample,
        mixOutput: mix.output,
        logPosterior: row.logPosterior,
        logBeta: row.logBeta,
        // learned_range: log σ² = (log β + log β̃)/2 + v (log β - log β̃)/2
        middle: (row.logBeta + row.logPosterior) / 2,
        half: (row.logBeta - row.logPosterior) / 2,
      };
    });
    const estimate = mixed(ops, { sample: at.mixSample, output: at.mixOutput }, noisy, output);
    const predOriginalSample = clipDenoised ? ops.clip(estimate, -1, 1) : estimate;
    const mean = ops.combine([at.original, predOriginalSample], [at.sample, noisy]);
    const logVariance =
      modelVariance === 'learned'
        ? variance!
        : modelVariance === 'learned_range'
          ? ops.combine([1, constant(ops, noisy, at.middle)], [at.half, variance!])
          : constant(ops, noisy, modelVariance === 'fixed_small' ? at.logPosterior : at.logBeta);
    return { mean, logVariance, predOriginalSample };
  }

  /** L_{t-1} = KL(q ‖ p), or the decoder's -log p(x0 | x1) at t = 0; in bits per dimension, one number per item. */
  #vbTerm<A extends Sample>(ops: Arithmetic<A>, output: A, original: A, noisy: A, t: Timestep, frozen?: A): A {
    const learned = this.#reverse(ops, output, noisy, t);
    const model = frozen === undefined ? learned : { ...learned, mean: this.#reverse(ops, frozen, noisy, t).mean };
    const kl = normalKl(ops, this.qPosterior(original, noisy, t, ops.shape), model);
    const decoder = discretizedLogLikelihood(ops, original, model);
    const { isFirst, isLater } = this.#at(t, (row) => ({
      isFirst: row.before === 1 ? 1 : 0,
      isLater: row.before === 1 ? 0 : 1,
    }));
    const nats = ops.combine([isLater, kl], [negated(isFirst), decoder]);
    return ops.itemMeans(ops.combine([1 / Math.LN2, nats]));
  }

  /** KL(q(x_T | x0) ‖ N(0, 1)) in bits per dimension. */
  #prior<A extends Sample>(ops: Arithmetic<A>, original: A): A {
    const product = this.alphasCumprod.at(-1)!;
    const p = {
      mean: ops.combine([Math.sqrt(product), original]),
      logVariance: constant(ops, original, Math.log(1 - product)),
    };
    const zero = constant(ops, original, 0);
    return ops.itemMeans(ops.combine([1 / Math.LN2, normalKl(ops, p, { mean: zero, logVariance: zero })]));
  }

  #target<A extends Sample>(ops: Arithmetic<A>, type: PredictionType, original: A, noise: A, t: Timestep): A {
    if (type === 'sample') return original;
    if (type === 'epsilon') return noise;
    const at = this.#at(t, ({ product }) => ({ signal: Math.sqrt(product), sigma: -Math.sqrt(1 - product) }));
    return ops.combine([at.signal, noise], [at.sigma, original]);
  }

  #isLearned(): boolean {
    return this.#options.modelVariance === 'learned' || this.#options.modelVariance === 'learned_range';
  }

  #row(t: number): Rows {
    const product = this.alphasCumprod[t];
    if (product === undefined) {
      return refuse({
        argument: 't',
        value: t,
        allowed: `an integer from 0 to ${this.betas.length - 1}, counting kept timesteps`,
      });
    }
    const before = t === 0 ? 1 : this.alphasCumprod[t - 1]!;
    const beta = this.betas[t]!;
    // β̃ is 0 at t = 0: its logarithm is cut at that of t = 1, and β's likewise where variances are fixed.
    const first = Math.max(t, Math.min(1, this.betas.length - 1));
    const posteriorAt = (i: number) =>
      (this.betas[i]! * (1 - (i === 0 ? 1 : this.alphasCumprod[i - 1]!))) / (1 - this.alphasCumprod[i]!);
    const isLarge = this.#options.modelVariance === 'fixed_large';
    const logPosterior = Math.log(Math.max(posteriorAt(first), 1e-20));
    return {
      product,
      before,
      beta,
      posterior: posteriorAt(t),
      logPosterior,
      logBeta: isLarge && t === 0 ? logPosterior : Math.log(beta),
    };
  }

  #at<K extends string>(t: Timestep, of: (row: Rows) => Record<K, number>): Record<K, Coefficient> {
    const numbers = timestepNumbers(t);
    if (typeof numbers === 'number') return of(this.#row(numbers));
    const rows = Array.from(numbers, (one) => of(this.#row(one)));
    const keys = Object.keys(rows[0]!) as K[];
    return Object.fromEntries(keys.map((key) => [key, Float64Array.from(rows, (row) => row[key])])) as Record<
      K,
      Coefficient
    >;
  }
}

function posteriorMean({ product, before, beta }: Rows): { original: number; sample: number } {
  return {
    original: (beta * Math.sqrt(before)) / (1 - product),
    sample: ((1 - before) * Math.sqrt(1 - beta)) / (1 - product),
  };
}

/** The same number everywhere, or one per item, in the sample's shape. */
function constant<A extends Sample>(ops: Arithmetic<A>, like: A, value: Coefficient): A {
  const zero = ops.combine([0, like]);
  if (typeof value === 'number') return ops.add(zero, value);
  return ops.combine([value, ops.add(zero, 1)]);
}

function scaledItems<A extends Sample>(items: A, factor: number): A {
  return arithmeticOf(items).combine([factor, items]);
}

function negated(coefficient: Coefficient): Coefficient {
  return typeof coefficient === 'number' ? -coefficient : coefficient.map((one) => -one);
}
