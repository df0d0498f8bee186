import * as tf from '@tensorflow/tfjs-core';
import { torchToTf, toFloat32, type StateDict, type StateTensor } from '@missing-u/weights';
import { MetricError, refuse } from '../errors.ts';

/** A convolution's weights on the engine: [height, width, in, out] and [out]. */
export interface Convolution {
  readonly filter: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
}

/** Shape of a convolution's weight as PyTorch has it. */
export type ConvolutionShape = readonly [out: number, inputs: number, height: number, width: number];

/**
 * Weights of a network of PyTorch, brought to the engine as they are asked for. What is missing or has another shape is
 * collected, so that a wrong file is refused once, with everything that is wrong with it (`finish`).
 */
export class Parameters {
  readonly #state: StateDict;
  readonly #what: string;
  readonly #tensors: tf.Tensor[] = [];
  readonly #missing: string[] = [];
  readonly #misshapen: string[] = [];

  /** @param what whose weights these are, for messages. */
  constructor(state: StateDict, what: string) {
    if (typeof state !== 'object' || state === null)
      refuse({ argument: 'weights', value: state, allowed: `a state dict of ${what}` }, 'METRIC_WRONG_WEIGHTS');
    this.#state = state;
    this.#what = what;
  }

  /** `name.weight` and, where there is one, `name.bias`. */
  convolution(name: string, shape: ConvolutionShape): Convolution {
    const filter = torchToTf('conv2d', this.#get(`${name}.weight`, shape));
    const bias = this.#get(`${name}.bias`, [shape[0]]);
    return this.#upload(toFloat32(filter), shape, toFloat32(bias));
  }

  /**
   * `name.conv.weight` with the batch norm `name.bn` behind it folded in: in evaluation it is a scale and a shift per channel.
   * A batch norm without weight (TensorFlow's `scale=False`) scales by one.
   */
  normalizedConvolution(name: string, shape: ConvolutionShape, epsilon: number): Convolution {
    const filter = toFloat32(torchToTf('conv2d', this.#get(`${name}.conv.weight`, shape))).slice();
    const [out] = shape;
    const vector = (part: string) => toFloat32(this.#get(`${name}.bn.${part}`, [out]));
    const gain = `${name}.bn.weight` in this.#state ? vector('weight') : new Float32Array(out).fill(1);
    const [shift, mean, variance] = [vector('bias'), vector('running_mean'), vector('running_var')];
    const scale = Float64Array.from(gain, (value, i) => value / Math.sqrt(variance[i]! + epsilon));
    for (let i = 0; i < filter.length; i++) filter[i]! *= scale[i % out]!;
    return this.#upload(
      filter,
      shape,
      Float32Array.from(shift, (value, i) => value - mean[i]! * scale[i]!),
    );
  }

  /** A linear layer's weight, [in, out]. */
  linear(name: string, [out, inputs]: readonly [out: number, inputs: number]): tf.Tensor2D {
    const weight = torchToTf('linear', this.#get(`${name}.weight`, [out, inputs]));
    return this.#keep(tf.tensor2d(toFloat32(weight), [inputs, out]));
  }

  /** A vector under its full name, whatever ones its shape has. */
  vector(name: string, size: number, shape: readonly number[] = [size]): tf.Tensor1D {
    return this.#keep(tf.tensor1d(toFloat32(this.#get(name, shape))));
  }

  /** Refuses the file if anything was missing. @throws MetricError `METRIC_WRONG_WEIGHTS` */
  finish(): void {
    const [missing, misshapen] = [this.#missing, this.#misshapen];
    if (missing.length + misshapen.length === 0) return;
    this.dispose();
    const some = (names: string[]) =>
      `${names.slice(0, 5).join(', ')}${names.length > 5 ? `, ... ${names.length} in all` : ''}`;
    const parts = [
      missing.length > 0 ? `missing: ${some(missing)}` : '',
      misshapen.length > 0 ? `shapes: ${some(misshapen)}` : '',
    ];
    throw new MetricError(
      'METRIC_WRONG_WEIGHTS',
      `These are not the weights of ${this.#what}; ${parts.filter((part) => part !== '').join('; ')}. ` +
        `The file has ${Object.keys(this.#state).length} entries, the first are ${Object.keys(this.#state).slice(0, 3).join(', ')}.`,
    );
  }

  /** Frees the weights. */
  dispose(): void {
    tf.dispose(this.#tensors);
  }

  #get(name: string, shape: readonly number[]): StateTensor {
    const found = this.#state[name];
    const size = shape.reduce((product, n) => product * n, 1);
    if (found === undefined) this.#missing.push(name);
    else if (found.shape.join() === shape.join()) return found;
    else this.#misshapen.push(`${name} [${found.shape.join(', ')}] for [${shape.join(', ')}]`);
    return { dtype: 'float32', shape, data: new Float32Array(size) };
  }

  #upload(filter: Float32Array, [out, inputs, height, width]: ConvolutionShape, bias: Float32Array): Convolution {
    return {
      filter: this.#keep(tf.tensor4d(filter, [height, width, inputs, out])),
      bias: this.#keep(tf.tensor1d(bias)),
    };
  }

  #keep<T extends tf.Tensor>(tensor: T): T {
    this.#tensors.push(tf.keep(tensor));
    return tensor;
  }
}
