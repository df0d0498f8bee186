import type * as tf from '@tensorflow/tfjs-core';
import { reshape, serialization, tidy } from '@tensorflow/tfjs-core';
import {
  initializers,
  input,
  layers,
  model as layersModel,
  type LayersModel,
  type SymbolicTensor,
} from '@tensorflow/tfjs-layers';
import { invalidArgument } from '@missing-u/errors';
import { classNameOf } from '../class-name.ts';
import { UNetError } from '../errors.ts';
import { UNet } from '../nets/unet.ts';
import { UNet2DModel } from '../nets/unet-2d/unet-2d-model.ts';
import type { Denoiser } from './denoiser.ts';

/** A class of denoisers that its `config` describes. */
type DenoiserClass = new (config: never) => Denoiser & { readonly config: object };

const classes = new Map<string, DenoiserClass>(Object.entries({ UNet, UNet2DModel }));

/**
 * Lets `tf.loadLayersModel` rebuild what `toLayersModel(...).save(...)` wrote: call it before loading, with the classes
 * besides `UNet` and `UNet2DModel` that may occur, by name.
 */
export function registerDenoisers(named: Readonly<Record<string, DenoiserClass>> = {}): void {
  for (const [name, denoiserClass] of Object.entries(named)) classes.set(name, denoiserClass);
  serialization.registerClass(DenoiserLayer);
}

interface DenoiserLayerConfig {
  name?: string;
  /** Only at run time; a loaded layer makes its own. */
  denoiser?: Denoiser;
  /** Class and config of the denoiser as JSON, by character codes: tf.layers changes the case of all strings and keys. */
  description?: number[];
}

/** A denoiser as one layer with two inputs. Its weights are the denoiser's own variables. */
export class DenoiserLayer extends layers.Layer {
  static readonly className = 'MissingUDenoiser';
  readonly denoiser: Denoiser;

  constructor(config: DenoiserLayerConfig) {
    super(config.name === undefined ? {} : { name: config.name });
    this.denoiser = config.denoiser ?? rebuild(config);
  }

  override build(): void {
    const zeros = initializers.zeros();
    for (const { name, variable } of this.denoiser.parameters?.() ?? []) {
      const weight = this.addWeight(name, variable.shape, 'float32', zeros, undefined, variable.trainable);
      // The layer's variable becomes the denoiser's, so that training one trains the other.
      const holder = weight as unknown as { val: tf.Variable };
      holder.val.dispose();
      holder.val = variable;
    }
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [sample, timesteps] = inputs as [tf.Tensor4D, tf.Tensor2D];
    return tidy(() => this.denoiser.predict(sample, reshape<tf.Rank.R1>(timesteps, [-1])));
  }

  override computeOutputShape(inputShape: unknown): (number | null)[] {
    const [images] = inputShape as (number | null)[][];
    const { config } = this.denoiser as { config?: { outChannels?: number; out_channels?: number } };
    return [...images!.slice(0, 3), config?.outChannels ?? config?.out_channels ?? images![3]!];
  }

  override getConfig(): serialization.ConfigDict {
    const { config } = this.denoiser as { config?: object };
    if (config === undefined) {
      throw new UNetError('UNET_ADAPTER', 'The denoiser has no `config`, so a layers model of it cannot be saved.');
    }
    const text = JSON.stringify({ name: nameOf(this.denoiser), config });
    return { ...super.getConfig(), description: Array.from(text, (letter) => letter.charCodeAt(0)) };
  }
}

/**
 * A `tf.LayersModel` of a denoiser, for people who live in `tf.layers`: `predict([images, times])` with times [N] or [N, 1], `summary()`, `save()`,
 * `fit` work, and the weights are shared with the denoiser.
 *
 * @param inputShape [height, width, channels]; heights and widths may be null. Default: any size, channels by the config.
 */
export function toLayersModel(denoiser: Denoiser, inputShape?: readonly (number | null)[]): LayersModel {
  const shape = inputShape ?? [null, null, channelsOf(denoiser)];
  if (shape.length !== 3) {
    const bad = { argument: 'inputShape', value: inputShape, allowed: '[height, width, channels]' };
    throw new UNetError('UNET_ADAPTER', invalidArgument(bad));
  }
  const sample = input({ shape: [...shape], name: 'sample' });
  const timesteps = input({ shape: [1], name: 'timesteps' });
  registerDenoisers();
  const layer = new DenoiserLayer({ denoiser });
  const prediction = layer.apply([sample, timesteps]) as SymbolicTensor;
  return layersModel({ inputs: [sample, timesteps], outputs: prediction });
}

function channelsOf(denoiser: Denoiser): number {
  const { config } = denoiser as { config?: { inChannels?: number; in_channels?: number } };
  const channels = config?.inChannels ?? config?.in_channels;
  if (channels !== undefined) return channels;
  throw new UNetError('UNET_ADAPTER', 'The denoiser does not tell its channels; pass `inputShape`.');
}

function nameOf(denoiser: Denoiser): string {
  for (const [name, denoiserClass] of classes) if (denoiser.constructor === denoiserClass) return name;
  return classNameOf(denoiser);
}

function rebuild({ description = [] }: DenoiserLayerConfig): Denoiser {
  const { name, config } = JSON.parse(String.fromCharCode(...description)) as { name: string; config: object };
  const found = classes.get(name);
  if (found !== undefined) return new found(config as never);
  const known = [...classes.keys()].join(', ');
  const remedy = `call registerDenoisers({ ${name} }) before loading`;
  throw new UNetError('UNET_ADAPTER', `The saved model holds a ${name}, which is not known (${known}); ${remedy}.`);
}
