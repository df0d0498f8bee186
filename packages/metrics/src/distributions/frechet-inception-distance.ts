import type { Tensor4D } from '@tensorflow/tfjs-core';
import { MetricError, refuse } from '../errors.ts';
import type { InceptionTap, InceptionV3 } from '../networks/inception.ts';
import { extractFeatures, isReal, type FeatureExtractor, type UpdateOptions } from './feature-extractor.ts';
import { FeatureStatistics } from './feature-statistics.ts';
import { frechetDistance, frechetDistanceInWorker } from './frechet-distance.ts';
import type { Moments } from './moments.ts';

export interface DistanceOptions {
  /** Where the features come from: a tap of `network` (default 2048), or any extractor. */
  readonly feature?: InceptionTap | FeatureExtractor;
  /** The Inception network behind a tap. It belongs to the caller, who disposes it. */
  readonly network?: InceptionV3;
  /** Where remarks on the result go (default `console.warn`). */
  readonly warn?: (message: string) => void;
}

export interface FrechetOptions extends DistanceOptions {
  /** Statistics of the real images that are known already, in place of `update(images, { real: true })`. */
  readonly reference?: Moments;
  /** Whether `reset` forgets the real images too (default true). */
  readonly resetRealFeatures?: boolean;
}

/**
 * Fréchet inception distance (Heusel et al. 2017) of a stream of pictures, in memory that does not grow: 0 for equal
 * distributions. With pytorch-fid's weights it is pytorch-fid's number.
 */
export class FrechetInceptionDistance {
  /**
   * What the number may be called: `frechet_inception_distance` for Inception's 2048 features, `spatial_frechet_inception_distance`
   * (sFID) for its spatial ones, else `fid-` and the extractor's name.
   */
  readonly name: string;
  readonly real: FeatureStatistics;
  readonly fake = new FeatureStatistics();
  readonly #extractor: FeatureExtractor;
  readonly #options: FrechetOptions;

  /** @throws MetricError `METRIC_BAD_ARGUMENT` */
  constructor(options: FrechetOptions = {}) {
    this.#options = options;
    this.#extractor = resolveExtractor(options);
    this.name =
      this.#extractor.name === 'inception-v3-fid-spatial'
        ? 'spatial_frechet_inception_distance'
        : nameOf('frechet_inception_distance', 'fid', this.#extractor);
    this.real = new FeatureStatistics();
  }

  /**
   * Adds pictures [n, height, width, channels], int32 in 0 .. 255 or float32 in [0, 1].
   *
   * @throws MetricError `METRIC_OUT_OF_RANGE`, `METRIC_NOT_FINITE`, `METRIC_BAD_ARGUMENT`, `METRIC_SHAPE_MISMATCH`
   */
  async update(images: Tensor4D, options: UpdateOptions): Promise<void> {
    const real = isReal(options);
    if (real && this.#options.reference !== undefined) {
      refuse({ argument: 'real', value: real, allowed: 'false, because the real images came as `reference`' });
    }
    (real ? this.real : this.fake).update(await extractFeatures(this.#extractor, images));
  }

  /** The distance, computed in a worker where it takes long. @throws MetricError `METRIC_TOO_FEW` below two images of either kind */
  async compute(): Promise<number> {
    const real = this.#options.reference ?? momentsOf('real', this.real);
    const fake = momentsOf('generated', this.fake);
    const { warn = console.warn } = this.#options;
    warnOfRank(real, 'real', warn);
    warnOfRank(fake, 'generated', warn);
    const distance = fake.mu.length > 256 ? frechetDistanceInWorker : frechetDistance;
    return distance(real.mu, real.sigma, fake.mu, fake.sigma);
  }

  /** Adds what another instance has seen: shards computed anywhere give one number. */
  merge(other: FrechetInceptionDistance): this {
    checkSameExtractor(this.name, other.name);
    this.real.merge(other.real);
    this.fake.merge(other.fake);
    return this;
  }

  /** Forgets the images, the real ones only where `resetRealFeatures` is not false. */
  reset(): void {
    if (this.#options.resetRealFeatures !== false) this.real.reset();
    this.fake.reset();
  }
}

/** The extractor that the options name. */
export function resolveExtractor({ feature = 2048, network }: DistanceOptions): FeatureExtractor {
  if (typeof feature === 'object') return feature;
  if (network !== undefined) return network.extractor(feature);
  const remedy = 'load one with `InceptionV3.load(path)`, or give an extractor as `feature`';
  return refuse({ argument: 'network', value: network, allowed: `an InceptionV3 for the feature ${feature}`, remedy });
}

/** The metric's plain name for the features that define it, `fid-mnist` and the like for all others. */
export function nameOf(plain: string, short: string, extractor: FeatureExtractor): string {
  return extractor.name === 'inception-v3-fid-2048' ? plain : `${short}-${extractor.name}`;
}

/** Refuses to add numbers of different features. */
export function checkSameExtractor(mine: string, theirs: string): void {
  if (mine === theirs) return;
  throw new MetricError(
    'METRIC_SHAPE_MISMATCH',
    `\`other\` is ${theirs}, but this is ${mine}; both have to come from the same extractor.`,
  );
}

function momentsOf(kind: string, statistics: FeatureStatistics): Moments {
  if (statistics.count >= 2) return statistics.compute();
  throw new MetricError(
    'METRIC_TOO_FEW',
    `The distance needs at least 2 ${kind} images, but ${statistics.count} came.`,
  );
}

/** Says what it means when a covariance comes from fewer images than its rank needs. */
export function warnOfRank({ mu, count }: Moments, kind: string, warn: (message: string) => void): void {
  if (count === undefined || count > mu.length) return;
  warn(
    `${count} ${kind} images are fewer than the ${mu.length} features need (${mu.length + 1}): their covariance has not full rank, ` +
      'and the distance is biased upwards. Compare it only with distances of as many images, or use KID.',
  );
}
