import * as tf from '@tensorflow/tfjs-core';
import { unknownName } from '@missing-u/errors';
import { loadWeights, type Source, type StateDict } from '@missing-u/weights';
import { MetricError, refuse } from '../errors.ts';
import { Parameters } from '../networks/parameters.ts';
import { createTrunk, trunkNames, type Trunk, type TrunkName } from '../networks/trunks.ts';
import { checkShapes, checkValues } from '../tensors/batch.ts';

/** What LPIPS is built of; names and defaults as in the `lpips` package. */
export interface LpipsOptions {
  /** The network whose activations are compared (default `'alex'`). */
  readonly net?: TrunkName;
  /** `'0.1'` (the default) scales the input as the network was trained; `'0.0'` forgot to. */
  readonly version?: '0.1' | '0.0';
  /** Weigh channels by the learned heads (default true), or count them equally. */
  readonly lpips?: boolean;
  /** A map in the pictures' size instead of a number per picture (default false). */
  readonly spatial?: boolean;
}

/** Weights that are at hand. */
export interface LpipsWeights {
  /** torchvision's weights of the network: `alexnet`, `vgg16` or `squeezenet1_1`. */
  readonly trunk: StateDict;
  /** The heads of the `lpips` package (`lin0.model.1.weight` and so on); needed unless `lpips` is false. */
  readonly heads?: StateDict;
}

/** How one call reads its pictures. */
export interface LpipsInput {
  /** The pictures are in [0, 1] instead of [-1, 1]. */
  readonly normalize?: boolean;
  /** Whether values outside are an error (default true). The look reads numbers back, so training loops say false. */
  readonly checkRange?: boolean;
}

const shift = [-0.03, -0.088, -0.188];
const scale = [0.458, 0.448, 0.45];

/**
 * Learned perceptual image patch similarity (Zhang et al. 2018, equation 1): 0 for equal pictures, larger for less alike.
 * Equals the `lpips` package with the same weights to 1e-4; differentiable, so a loss too.
 */
export class LPIPS {
  readonly net: TrunkName;
  readonly version: '0.1' | '0.0';
  readonly spatial: boolean;
  readonly #trunk: Trunk;
  readonly #heads: readonly tf.Tensor1D[] | undefined;
  readonly #headParameters: Parameters | undefined;

  /** @throws MetricError `METRIC_BAD_ARGUMENT`, `METRIC_WRONG_WEIGHTS` */
  constructor(options: LpipsOptions & LpipsWeights) {
    const { net = 'alex', version = '0.1', lpips = true, spatial = false, trunk, heads } = options;
    if (!trunkNames.includes(net)) throw new MetricError('METRIC_BAD_ARGUMENT', unknownName('net', net, trunkNames));
    if (version !== '0.1' && version !== '0.0')
      refuse({ argument: 'version', value: version, allowed: `'0.1' or '0.0'` });
    if (lpips && (heads === undefined || heads === null)) {
      const remedy = `load weights/v${version}/${net}.pth of the lpips package, or set \`lpips: false\` for the baseline`;
      refuse({ argument: 'heads', value: heads, allowed: 'the state dict of the linear heads', remedy });
    }
    this.net = net;
    this.version = version;
    this.spatial = spatial;
    // First what can be refused without a tensor on the engine.
    const parameters = lpips ? new Parameters(heads!, `the LPIPS heads of ${net}`) : undefined;
    this.#trunk = createTrunk(net, trunk);
    if (parameters === undefined) return;
    this.#headParameters = parameters;
    try {
      this.#heads = this.#trunk.channels.map((channels, layer) =>
        parameters.vector(`lin${layer}.model.1.weight`, channels, [1, channels, 1, 1]),
      );
      parameters.finish();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** From files or addresses: torchvision's `.pth` or safetensors of the network, and the heads' `.pth`. */
  static async load(options: LpipsOptions & { readonly trunk: Source; readonly heads?: Source }): Promise<LPIPS> {
    const { trunk, heads, ...rest } = options;
    const [trunkWeights, headWeights] = await Promise.all([
      loadWeights(trunk),
      heads === undefined ? undefined : loadWeights(heads),
    ]);
    return new LPIPS({ ...rest, trunk: trunkWeights, ...(headWeights === undefined ? {} : { heads: headWeights }) });
  }

  /**
   * Distance of each pair of pictures.
   *
   * @param a pictures [n, height, width, 3] in [-1, 1]; as `b`. One channel stands for three equal ones.
   * @returns [n], or [n, height, width, 1] where `spatial` was asked for
   * @throws MetricError `METRIC_SHAPE_MISMATCH`, `METRIC_OUT_OF_RANGE`, `METRIC_NOT_FINITE`
   */
  distance(a: tf.Tensor4D, b: tf.Tensor4D, input: LpipsInput = {}): tf.Tensor {
    return tf.tidy(() => tf.addN(this.layers(a, b, input)));
  }

  /** The summands of `distance`, one tensor per layer of the network. */
  layers(a: tf.Tensor4D, b: tf.Tensor4D, { normalize = false, checkRange = true }: LpipsInput = {}): tf.Tensor[] {
    checkShapes(a, b);
    const [images, height, width, channels] = a.shape;
    if (channels !== 3 && channels !== 1)
      refuse({ argument: 'a', value: a, allowed: 'pictures of 3 channels, or of 1' });
    if (checkRange) {
      const remedy = normalize ? '' : ' (or pass `normalize: true` for pictures in [0, 1])';
      checkValues({ a, b }, [normalize ? 0 : -1, 1], 'LPIPS', remedy);
    }
    return tf.tidy(() => {
      const features = this.#trunk.features(this.#prepare(tf.concat([a, b]), normalize));
      return features.map((feature, layer) => {
        const [x, y] = tf.split(unitNormalize(feature), 2) as [tf.Tensor4D, tf.Tensor4D];
        const squares = tf.square(tf.sub(x, y));
        const head = this.#heads?.[layer];
        const map = tf.sum<tf.Tensor4D>(head === undefined ? squares : tf.mul(squares, head), 3, true);
        if (this.spatial) return tf.image.resizeBilinear(map, [height, width], false, true);
        return tf.reshape(tf.mean(map, [1, 2, 3]), [images]);
      });
    });
  }

  /** Frees the weights. */
  dispose(): void {
    this.#trunk.dispose();
    this.#headParameters?.dispose();
  }

  #prepare(images: tf.Tensor4D, normalize: boolean): tf.Tensor4D {
    const pictures = images.shape[3] === 1 ? tf.concat([images, images, images], 3) : images;
    const signed = normalize ? tf.sub(tf.mul(pictures, 2), 1) : pictures;
    return this.version === '0.1'
      ? tf.div(tf.sub(signed, tf.tensor1d(shift)), tf.tensor1d(scale))
      : (signed as tf.Tensor4D);
  }
}

/** Vectors along the channels to length one, with the reference's 1e-10 added to the length. */
function unitNormalize(x: tf.Tensor4D): tf.Tensor4D {
  // The tiny number under the root changes no digit, and gives dead positions the slope zero instead of 0 / 0.
  const length = tf.sqrt(tf.add(tf.sum(tf.square(x), 3, true), 1e-20));
  return tf.div(x, tf.add(length, 1e-10));
}
