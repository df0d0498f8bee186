import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { FeatureMatrix } from '../linalg/feature-matrix.ts';
import { extractFeatures, isReal, type FeatureExtractor, type UpdateOptions } from './feature-extractor.ts';
import { checkSameExtractor, nameOf, resolveExtractor, type DistanceOptions } from './frechet-inception-distance.ts';
import { FeatureList } from './feature-list.ts';
import { kernelInceptionDistance, type KidOptions, type MeanAndStd } from './kernel-inception-distance.ts';

/** KID of a stream of pictures; it keeps all features, because subsets are drawn from them. */
export class KernelInceptionDistance {
  /** What the number may be called: `kernel_inception_distance`, or with the extractor's name. */
  readonly name: string;
  readonly real = new FeatureList();
  readonly fake = new FeatureList();
  readonly #extractor: FeatureExtractor;
  readonly #options: KidOptions;

  /** @throws MetricError `METRIC_BAD_ARGUMENT` */
  constructor(options: DistanceOptions & KidOptions = {}) {
    this.#options = options;
    this.#extractor = resolveExtractor(options);
    this.name = nameOf('kernel_inception_distance', 'kid', this.#extractor);
  }

  /** Adds pictures [n, height, width, channels], int32 in 0 .. 255 or float32 in [0, 1]. */
  async update(images: Tensor4D, options: UpdateOptions): Promise<void> {
    const real = isReal(options);
    const features: FeatureMatrix = await extractFeatures(this.#extractor, images);
    (real ? this.real : this.fake).update(features);
  }

  /** Mean and standard deviation over the subsets. @throws MetricError `METRIC_TOO_FEW` */
  async compute(): Promise<MeanAndStd> {
    return kernelInceptionDistance(this.real.compute(), this.fake.compute(), this.#options);
  }

  /** Adds what another instance has seen. */
  merge(other: KernelInceptionDistance): this {
    checkSameExtractor(this.name, other.name);
    this.real.merge(other.real);
    this.fake.merge(other.fake);
    return this;
  }

  /** Forgets the images. */
  reset(): void {
    this.real.reset();
    this.fake.reset();
  }
}
