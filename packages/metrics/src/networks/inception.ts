import * as tf from '@tensorflow/tfjs-core';
import { unknownName } from '@missing-u/errors';
import { loadWeights, type LoadOptions, type Source, type StateDict } from '@missing-u/weights';
import { MetricError, refuse } from '../errors.ts';
import type { FeatureExtractor } from '../distributions/feature-extractor.ts';
import { inceptionBlocks, type Blocks, type Layout } from './inception-blocks.ts';
import { checkValues } from '../tensors/batch.ts';
import { Parameters } from './parameters.ts';
import { resizeForInception, type ResizeMode } from './resize.ts';

/**
 * Where features are taken: the channels after the first two max pools and before the auxiliary classifier, averaged over
 * the picture (64, 192, 768), the last average pool (2048), the logits with and without the bias, or the first seven
 * channels of Mixed_6d's 1 x 1 branch with their places, 17 x 17 x 7 numbers (`'spatial'`, of sFID).
 */
export type InceptionTap = 64 | 192 | 768 | 2048 | 'logits' | 'logits_unbiased' | 'spatial';

const taps: readonly InceptionTap[] = [64, 192, 768, 2048, 'logits', 'logits_unbiased', 'spatial'];

export interface InceptionOptions {
  /**
   * How pictures become 299 x 299 and what range they enter in, in clean-fid's words: `'legacy_pytorch'` (the default; pytorch-fid's
   * bilinear, 2x - 1), `'legacy_tensorflow'` (TensorFlow 1's bilinear, (255 x - 128) / 128; the original FID and torch-fidelity)
   * or `'clean'` (PIL's antialiased bicubic; clean-fid). The mode changes the number: compare only within one.
   */
  readonly mode?: ResizeMode;
  /**
   * Whose network: `'fid'`, TensorFlow's of 2015 as pytorch-fid has it, with 1008 classes, average pools that leave out the
   * padding and a max pool in the last block; or `'torchvision'`. By default, from the number of classes in the file.
   */
  readonly layout?: Layout;
}

/** How one call reads its pictures. */
export interface InceptionInput {
  /** Whether values outside the range are an error (default true); the look reads two numbers back. */
  readonly checkRange?: boolean;
}

/** Address and checksum of the weights that FID is defined by. */
export const fidInceptionWeights = {
  url: 'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth',
  sha256: '6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2',
} as const;

/**
 * Inception v3 (Szegedy et al. 2015) as a feature extractor. With pytorch-fid's weights its features are pytorch-fid's, at
 * all taps and with all resizes, to 1e-4.
 */
export class InceptionV3 {
  readonly layout: Layout;
  readonly mode: ResizeMode;
  readonly #parameters: Parameters;
  readonly #blocks: Blocks;

  /**
   * @param weights a state dict with torchvision's names (`Conv2d_1a_3x3.conv.weight`...), `AuxLogits` ignored; `fc` may be
   *   absent where `layout` is given and no logits are asked for.
   * @throws MetricError `METRIC_WRONG_WEIGHTS`, `METRIC_BAD_ARGUMENT`
   */
  constructor(weights: StateDict, options: InceptionOptions = {}) {
    const classes = weights['fc.weight']?.shape[0];
    const { mode = 'legacy_pytorch', layout = layoutOf(classes) } = options;
    if (layout !== 'fid' && layout !== 'torchvision')
      refuse({ argument: 'layout', value: layout, allowed: `'fid' or 'torchvision'` });
    this.layout = layout;
    this.mode = mode;
    this.#parameters = new Parameters(
      weights,
      layout === 'fid' ? "pytorch-fid's Inception" : "torchvision's inception_v3",
    );
    this.#blocks = inceptionBlocks(this.#parameters, layout, classes);
    this.#parameters.finish();
  }

  /** From a file or address; by default pytorch-fid's published weights (96 MB, kept in the cache, checksum checked). */
  static async load(
    source: Source = fidInceptionWeights.url,
    options: InceptionOptions & LoadOptions = {},
  ): Promise<InceptionV3> {
    const { mode, layout, ...loading } = options;
    const published = source === fidInceptionWeights.url ? { sha256: fidInceptionWeights.sha256 } : {};
    const weights = await loadWeights(source, { ...published, ...loading });
    return new InceptionV3(weights, {
      ...(mode === undefined ? {} : { mode }),
      ...(layout === undefined ? {} : { layout }),
    });
  }

  /**
   * Features of pictures at one tap.
   *
   * @param images [n, height, width, 3 or 1]: int32 in 0 .. 255 or float32 in [0, 1]
   * @returns [n, features]
   * @throws MetricError `METRIC_OUT_OF_RANGE`, `METRIC_NOT_FINITE`, `METRIC_BAD_ARGUMENT`
   */
  features(images: tf.Tensor4D, tap: InceptionTap = 2048, input: InceptionInput = {}): tf.Tensor2D {
    return this.extract(images, [tap], input)[0]!;
  }

  /** Features at several taps from one pass, in the order of the taps. */
  extract(
    images: tf.Tensor4D,
    wanted: readonly InceptionTap[],
    { checkRange = true }: InceptionInput = {},
  ): tf.Tensor2D[] {
    for (const tap of wanted) {
      if (!taps.includes(tap))
        throw new MetricError('METRIC_BAD_ARGUMENT', unknownName('tap', String(tap), taps.map(String)));
      if ((tap === 'logits' || tap === 'logits_unbiased') && this.#blocks.classifier === undefined) {
        refuse({
          argument: 'tap',
          value: tap,
          allowed: 'one of the taps before the classifier, because the weights have no `fc`',
        });
      }
    }
    if (checkRange) {
      const bytes = images.dtype === 'int32';
      checkValues({ images }, [0, bytes ? 255 : 1], 'Inception', bytes ? '' : ' (or cast bytes to int32)');
    }
    return tf.tidy(() => {
      const found = this.#run(resizeForInception(images, this.mode), wanted);
      return wanted.map((tap) => tf.clone(found.get(tap)!));
    });
  }

  /** One tap as the feature extractor of a metric. */
  extractor(tap: InceptionTap = 2048): FeatureExtractor {
    const extract = (images: tf.Tensor4D) => this.features(images, tap, { checkRange: false });
    return { name: `inception-v3-${this.layout}-${tap}`, extract };
  }

  /** Frees the weights. */
  dispose(): void {
    this.#parameters.dispose();
  }

  #run(input: tf.Tensor4D, wanted: readonly InceptionTap[]): Map<InceptionTap, tf.Tensor2D> {
    const found = new Map<InceptionTap, tf.Tensor2D>();
    const missing = () => wanted.some((tap) => !found.has(tap));
    const pooled = (x: tf.Tensor4D) => tf.mean<tf.Tensor2D>(x, [1, 2]);
    const { blocks, classifier } = this.#blocks;
    let x = input;
    for (const { tap, run, spatial } of blocks) {
      if (spatial !== undefined && wanted.includes('spatial')) found.set('spatial', spatial(x));
      x = run(x);
      if (tap !== undefined) found.set(tap, pooled(x));
      if (!missing()) return found;
    }
    const logits = tf.matMul<tf.Tensor2D>(found.get(2048)!, classifier!.weight);
    found.set('logits_unbiased', logits);
    found.set('logits', tf.add<tf.Tensor2D>(logits, classifier!.bias));
    return found;
  }
}

function layoutOf(classes: number | undefined): Layout {
  if (classes === 1008) return 'fid';
  if (classes === 1000) return 'torchvision';
  const file = classes === undefined ? 'The weights have no `fc.weight`' : `The weights have ${classes} classes`;
  throw new MetricError(
    'METRIC_WRONG_WEIGHTS',
    `${file}, so whether they are pytorch-fid's (1008) or torchvision's (1000) does not show; say it with \`layout\`, or load the other file.`,
  );
}
