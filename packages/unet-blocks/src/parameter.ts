import * as tf from '@tensorflow/tfjs-core';
import type { Generator } from '@missing-u/random';
import { tfToTorch, toFloat32, torchToTf, type LayerKind, type StateTensor } from '@missing-u/weights';
import { UNetError } from './errors.ts';
import type { Initializer } from './initializers.ts';

export interface ParameterOptions {
  initializer: Initializer;
  /** Whose weight it is, where PyTorch orders it otherwise than TensorFlow. Default: the same order in both. */
  layout?: LayerKind | undefined;
  /** False for tables that are saved and counted but never trained. Default true. */
  trainable?: boolean;
}

/** A tensor of weights that a module owns: a shape at first, a `tf.Variable` once initialised. */
export class Parameter<R extends tf.Rank = tf.Rank> {
  readonly shape: tf.ShapeMap[R];
  readonly layout: LayerKind | undefined;
  private readonly initializer: Initializer;
  /** Whether it is trained at all: tables are not, frozen or not. */
  private readonly learned: boolean;
  private frozen = false;
  private held: tf.Variable<R> | undefined;

  constructor(shape: tf.ShapeMap[R], { initializer, layout, trainable = true }: ParameterOptions) {
    this.shape = shape;
    this.layout = layout;
    this.initializer = initializer;
    this.learned = trainable;
  }

  get initialized(): boolean {
    return this.held !== undefined && !this.held.isDisposed;
  }

  /** The variable. Throws `UNET_NO_WEIGHTS` before `initialize` and after `dispose`. */
  get variable(): tf.Variable<R> {
    if (this.held === undefined) {
      throw new UNetError('UNET_NO_WEIGHTS', 'The module has no weights yet; call `initialize(generator)` first.');
    }
    if (this.held.isDisposed) {
      throw new UNetError('UNET_NO_WEIGHTS', 'The module was disposed; make a new one.');
    }
    return this.held;
  }

  /** Draws the first values. Does nothing if the parameter has values already. */
  initialize(generator: Generator, initializer = this.initializer): void {
    if (this.initialized) return;
    const shape = this.torchShape;
    this.assign({ dtype: 'float32', shape, data: initializer(shape, generator) });
  }

  /** The shape that PyTorch gives it: [out, in] and [out, in, height, width] for [in, out] and [height, width, in, out]. */
  get torchShape(): number[] {
    const shape: readonly number[] = this.shape;
    return this.layout === undefined ? [...shape] : [...shape.slice(-2).reverse(), ...shape.slice(0, -2)];
  }

  /** The values in PyTorch's order. */
  read(): StateTensor {
    const data = this.variable.dataSync<'float32'>() as Float32Array<ArrayBuffer>;
    const tensor: StateTensor = { dtype: 'float32', shape: this.shape, data };
    return this.layout === undefined ? { ...tensor, data: data.slice() } : tfToTorch(this.layout, tensor);
  }

  /** Takes values in PyTorch's order, and makes the variable where there is none. */
  assign(values: StateTensor): void {
    const ordered = this.layout === undefined ? values : torchToTf(this.layout, values);
    tf.tidy(() => {
      const tensor = tf.tensor<R>(toFloat32(ordered), this.shape, 'float32');
      if (this.initialized) this.held!.assign(tensor);
      else this.held = tf.variable<R>(tensor, this.trainable);
    });
  }

  /** Keeps optimizers away from it, or lets them in again where it is one that is trained. */
  setFrozen(frozen: boolean): void {
    this.frozen = frozen;
    if (this.initialized) this.held!.trainable = this.trainable;
  }

  /** A parameter of its own with the same values. */
  clone(): Parameter<R> {
    const { layout, initializer, learned } = this;
    const copy = new Parameter<R>(this.shape, { layout, initializer, trainable: learned });
    copy.frozen = this.frozen;
    if (this.initialized) copy.held = tf.tidy(() => tf.variable<R>(tf.clone(this.variable), this.trainable));
    return copy;
  }

  private get trainable(): boolean {
    return this.learned && !this.frozen;
  }

  dispose(): void {
    this.held?.dispose();
  }
}
