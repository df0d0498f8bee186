import * as tf from '@tensorflow/tfjs-core';
import { loadWeights, type Source, type StateDict } from '@missing-u/weights';
import { refuse } from '../errors.ts';
import { Parameters } from '../networks/parameters.ts';
import { createTrunk, type Trunk } from '../networks/trunks.ts';
import { checkShapes, checkValues } from '../tensors/batch.ts';

/** Weights that are at hand. */
export interface DistsWeights {
  /** torchvision's `vgg16`. */
  readonly trunk: StateDict;
  /** `alpha` and `beta` of the authors' package, [1, 1475, 1, 1]: what texture and structure of each channel count. */
  readonly heads: StateDict;
}

/** Keeps the ratios of dark and flat channels defined (the paper's c1 and c2). */
const small = 1e-6;
const colors = 3;
/** ImageNet's statistics, which the network was trained with. */
const mean = [0.485, 0.456, 0.406];
const deviation = [0.229, 0.224, 0.225];

/**
 * Deep image structure and texture similarity (Ding et al. 2020, equations 6 to 8): 0 for equal pictures, larger for less
 * alike; what two samples of one texture have in common counts more than where it lies. Equals the authors' package with the
 * same weights to 1e-4; differentiable, so a loss too.
 */
export class DISTS {
  readonly #trunk: Trunk;
  readonly #parameters: Parameters;
  /** Channels of the picture itself and of each tap. */
  readonly #channels: readonly number[];
  readonly #alpha: readonly tf.Tensor[];
  readonly #beta: readonly tf.Tensor[];

  /** @throws MetricError `METRIC_WRONG_WEIGHTS` */
  constructor({ trunk, heads }: DistsWeights) {
    // First what can be refused without a tensor on the engine.
    this.#parameters = new Parameters(heads, 'DISTS (`alpha` and `beta`)');
    this.#trunk = createTrunk('vgg', trunk, { pool: l2Pool });
    this.#channels = [colors, ...this.#trunk.channels];
    try {
      const size = this.#channels.reduce((sum, channels) => sum + channels, 0);
      const [alpha, beta] = ['alpha', 'beta'].map((name) => this.#parameters.vector(name, size, [1, size, 1, 1])) as [
        tf.Tensor1D,
        tf.Tensor1D,
      ];
      this.#parameters.finish();
      const shares = tf.tidy(() => {
        const total = tf.add(tf.sum(alpha), tf.sum(beta));
        return [alpha, beta].map((part) =>
          tf.split(tf.div(part, total), [...this.#channels]).map((share) => tf.keep(share)),
        );
      });
      [this.#alpha, this.#beta] = shares as [tf.Tensor[], tf.Tensor[]];
    } catch (error) {
      this.#trunk.dispose();
      throw error;
    }
  }

  /** From files or addresses: torchvision's `vgg16`, and `weights.pt` of the package `DISTS_pytorch`. */
  static async load(files: { readonly trunk: Source; readonly heads: Source }): Promise<DISTS> {
    const [trunk, heads] = await Promise.all([loadWeights(files.trunk), loadWeights(files.heads)]);
    return new DISTS({ trunk, heads });
  }

  /**
   * Distance of each pair of pictures.
   *
   * @param a pictures [n, height, width, 3] in [0, 1]; as `b`. One channel stands for three equal ones.
   * @param input `checkRange`: whether values outside are an error (default true); the look reads numbers back, so training
   *   loops say false.
   * @returns [n]
   * @throws MetricError `METRIC_SHAPE_MISMATCH`, `METRIC_OUT_OF_RANGE`, `METRIC_NOT_FINITE`
   */
  distance(a: tf.Tensor4D, b: tf.Tensor4D, { checkRange = true }: { readonly checkRange?: boolean } = {}): tf.Tensor1D {
    checkShapes(a, b);
    const channels = a.shape[3];
    if (channels !== 3 && channels !== 1)
      refuse({ argument: 'a', value: a, allowed: 'pictures of 3 channels, or of 1' });
    if (checkRange) checkValues({ a, b }, [0, 1], 'DISTS');
    return tf.tidy(() => {
      const grey = tf.concat<tf.Tensor4D>([a, b]);
      const pictures = channels === 1 ? tf.concat([grey, grey, grey], 3) : grey;
      const input = tf.div<tf.Tensor4D>(tf.sub(pictures, tf.tensor1d(mean)), tf.tensor1d(deviation));
      const similarities = [pictures, ...this.#trunk.features(input)].map((features, layer) => {
        const [x, y] = tf.split(features, 2) as [tf.Tensor4D, tf.Tensor4D];
        const { texture, structure } = compare(x, y);
        return tf.sum(tf.add(tf.mul(texture, this.#alpha[layer]!), tf.mul(structure, this.#beta[layer]!)), 1);
      });
      return tf.sub<tf.Tensor1D>(1, tf.addN(similarities));
    });
  }

  /** Frees the weights. */
  dispose(): void {
    this.#trunk.dispose();
    this.#parameters.dispose();
    tf.dispose([...this.#alpha, ...this.#beta]);
  }
}

/** Equations 6 and 7 for each picture and channel, [n, channels]: of the means, and of the covariance. */
function compare(x: tf.Tensor4D, y: tf.Tensor4D): { texture: tf.Tensor; structure: tf.Tensor } {
  const means = [x, y].map((features) => tf.mean(features, [1, 2], true)) as [tf.Tensor, tf.Tensor];
  const [dx, dy] = [tf.sub(x, means[0]), tf.sub(y, means[1])];
  const average = (product: tf.Tensor) => tf.mean(product, [1, 2]);
  const [mx, my] = means.map((each) => tf.squeeze(each, [1, 2])) as [tf.Tensor, tf.Tensor];
  const squares = tf.add(average(tf.square(dx)), average(tf.square(dy)));
  return {
    texture: ratio(tf.mul(mx, my), tf.add(tf.square(mx), tf.square(my))),
    structure: ratio(average(tf.mul(dx, dy)), squares),
  };
}

/** (2 product + c) / (squares + c). */
function ratio(product: tf.Tensor, squares: tf.Tensor): tf.Tensor {
  return tf.div(tf.add(tf.mul(product, 2), small), tf.add(squares, small));
}

/**
 * Root of the windowed mean of squares, every second pixel: the window [1 2 1]² / 16 with zeros around the picture, as two
 * means over 2 x 2 pixels (Hénaff and Simoncelli 2015; no aliasing, unlike max pools).
 */
function l2Pool(x: tf.Tensor4D): tf.Tensor4D {
  const around: [number, number] = [1, 1];
  const squares = tf.pad(tf.square(x), [[0, 0], around, around, [0, 0]]);
  const means = tf.avgPool(tf.avgPool(squares, 2, 1, 'valid'), 2, 2, 'valid');
  return tf.sqrt(tf.add<tf.Tensor4D>(means, 1e-12));
}
