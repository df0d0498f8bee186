import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { createGenerator, type Generator } from '@missing-u/random';
import type { StateDict } from '@missing-u/weights';
import {
  checkOptionsObject,
  checkSample,
  checkWeightOptions,
  numberPerImage,
  timestepTensor,
  type Timesteps,
} from '../../checks.ts';
import { UNetError } from '../../errors.ts';
import { silu, type ActivationName } from '../../functional/activations.ts';
import { Conv2d } from '../../layers/conv2d.ts';
import { Embedding } from '../../layers/embedding.ts';
import { GroupNorm } from '../../layers/norms.ts';
import { Module } from '../../module.ts';
import { checkStateDict, type LoadReport } from '../../state-dict.ts';
import { TimestepEmbedding, timeProjection, type TimeProjection } from './conditioning.ts';
import { settleConfig, type UNet2DConfig, type UNet2DOptions } from './config.ts';
import { createDownBlock, type DownBlock, type DownState } from './down-blocks.ts';
import { MidBlock } from './mid-block.ts';
import { renameOldAttention } from './old-names.ts';
import {
  checkPretrainedOptions,
  loadConfig,
  loadFolderWeights,
  saveFolder,
  type PretrainedOptions,
  type SaveOptions,
} from './pretrained.ts';
import { skipGroups, type BlockSettings } from './settings.ts';
import { createUpBlock, type UpBlock, type UpState } from './up-blocks.ts';

/** How the first weights come about. */
export interface WeightOptions {
  /** `none` gives shapes only, for counting or until `loadStateDict`; default `random`. */
  weights?: 'random' | 'none';
  /** Of the first weights; default 0. */
  seed?: number;
  /** Draws the first weights instead of a new generator with `seed`. A `torchGenerator` gives PyTorch's own. */
  generator?: Generator;
}

/** What a conditional model sees besides the image and the time. */
export interface Condition {
  /** Class numbers [N], or embeddings [N, time size] for `classEmbedType: 'identity'`. */
  classLabels?: readonly number[] | tf.Tensor1D | tf.Tensor2D;
}

/**
 * The U-Net of Python's diffusers, `UNet2DModel`: the same configuration, the same names and shapes of weights, the same
 * numbers. All block types of unconditional models are there.
 */
export class UNet2DModel extends Module {
  /** The name that `model_index.json` and reports give it; a bundler may rename the class itself. */
  static readonly className: string = 'UNet2DModel';
  /** As diffusers writes it to `config.json`. */
  readonly config: UNet2DConfig;
  private readonly options: UNet2DOptions;
  private readonly convIn: Conv2d;
  private readonly timeProjection: TimeProjection;
  private readonly timeEmbedding: TimestepEmbedding;
  private readonly classEmbedding: Embedding | TimestepEmbedding | 'identity' | undefined;
  private readonly downBlocks: DownBlock[];
  private readonly midBlock: MidBlock | undefined;
  private readonly upBlocks: UpBlock[];
  private readonly normOut: GroupNorm;
  private readonly convOut: Conv2d;

  /**
   * @param given options, or the content of a `config.json`
   * @throws UNetError `UNET_OPTION`, `UNET_BLOCK_TYPE`, `UNET_GROUPS`
   */
  constructor(given: Partial<UNet2DOptions> | UNet2DConfig = {}, weights: WeightOptions = {}) {
    super();
    checkOptionsObject('weights', weights);
    checkWeightOptions(weights);
    const { options, config } = settleConfig(given);
    this.options = options;
    this.config = config;
    const { blockOutChannels, inChannels, outChannels, normEps, normNumGroups } = options;
    const first = blockOutChannels[0]!;
    const last = blockOutChannels.at(-1)!;
    const settings = blockSettings(options);
    this.convIn = this.child('conv_in', new Conv2d({ inChannels, outChannels: first }));
    const { projection, size } = timeProjection(options);
    this.timeProjection = this.child('time_proj', projection);
    const embedding = { inFeatures: size, outFeatures: settings.timeSize };
    this.timeEmbedding = this.child('time_embedding', new TimestepEmbedding(embedding));
    this.classEmbedding = this.makeClassEmbedding(embedding);
    this.downBlocks = options.downBlockTypes.map((type, i) => {
      const place = { inChannels: blockOutChannels[Math.max(i - 1, 0)]!, outChannels: blockOutChannels[i]! };
      const resize = i < blockOutChannels.length - 1;
      return this.child(`down_blocks.${i}`, createDownBlock(type, settings, { ...place, resize }));
    });
    if (options.midBlockType !== null) {
      const { midBlockScaleFactor: outputScale, attnNormNumGroups: attentionGroups, addAttention } = options;
      const mid = { channels: last, outputScale, attentionGroups, withAttention: addAttention };
      this.midBlock = this.child('mid_block', new MidBlock(settings, mid));
    }
    const upwards = [...blockOutChannels].reverse();
    this.upBlocks = options.upBlockTypes.map((type, i) => {
      const resize = i < upwards.length - 1;
      const place = { inChannels: upwards[i + 1] ?? upwards[i]!, outChannels: upwards[i]! };
      const previousChannels = upwards[Math.max(i - 1, 0)]!;
      return this.child(`up_blocks.${i}`, createUpBlock(type, settings, { ...place, previousChannels, resize }));
    });
    const groups = normNumGroups ?? skipGroups(first);
    this.normOut = this.child('conv_norm_out', new GroupNorm({ groups, channels: first, epsilon: normEps }));
    this.convOut = this.child('conv_out', new Conv2d({ inChannels: first, outChannels }));
    if (weights.weights !== 'none') this.initialize(weights.generator ?? createGenerator(weights.seed ?? 0));
  }

  /**
   * Reads a model folder as diffusers writes it (`config.json` and `diffusion_pytorch_model.safetensors` or `.bin`, whole or
   * in shards with an index), from a path or the address of the folder.
   */
  static async fromPretrained(folder: string | URL, options: PretrainedOptions = {}): Promise<UNet2DModel> {
    checkPretrainedOptions(options);
    const model = new UNet2DModel(await loadConfig(folder), { weights: 'none' });
    model.loadStateDict(await loadFolderWeights(folder, options));
    return model;
  }

  /** Writes a model folder that diffusers' `UNet2DModel.from_pretrained` reads (Node). */
  async savePretrained(folder: string, options: SaveOptions = {}): Promise<void> {
    await saveFolder(folder, this.config, this.stateDict(), options);
  }

  /** As `Module.loadStateDict`; takes the attention names of early diffusers releases too. */
  override loadStateDict(dict: StateDict, options: { strict?: boolean } = {}): LoadReport {
    checkStateDict(dict);
    return super.loadStateDict(renameOldAttention(dict), options);
  }

  /**
   * @param sample [N, H, W, inChannels], float32
   * @param timesteps diffusion times, or noise levels with `timeEmbeddingType: 'fourier'`
   * @returns [N, H, W, outChannels]
   * @throws UNetError `UNET_SAMPLE`, `UNET_TIMESTEPS`, `UNET_CLASS_LABELS`, `UNET_NO_WEIGHTS`
   */
  predict(sample: tf.Tensor4D, timesteps: Timesteps, condition: Condition = {}): tf.Tensor4D {
    const { inChannels, blockOutChannels, numTrainTimesteps, timeEmbeddingType, centerInputSample } = this.options;
    checkSample(sample, inChannels, 2 ** (blockOutChannels.length - 1), leastSide(this.options));
    return tf.tidy(() => {
      const count = timeEmbeddingType === 'learned' ? numTrainTimesteps! : undefined;
      const times = timestepTensor(timesteps, sample.shape[0], count);
      const time = this.embed(times, condition);
      const input: tf.Tensor4D = centerInputSample ? tf.sub(tf.mul(sample, 2), 1) : sample;
      const output = this.run(input, time);
      return timeEmbeddingType === 'fourier' ? tf.div(output, tf.reshape(times, [-1, 1, 1, 1])) : output;
    });
  }

  /** A prediction for some time and, where there are classes, some class: for those who count what a prediction does. */
  predictAny(sample: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const time = this.options.timeEmbeddingType === 'fourier' ? 1 : 0; // its logarithm is taken
      return this.predict(sample, time, this.anyCondition(sample.shape[0], time));
    });
  }

  /** `predict` in the words of diffusers: `model.forward(sample, timestep).sample`. */
  forward(sample: tf.Tensor4D, timestep: Timesteps, classLabels?: Condition['classLabels']): { sample: tf.Tensor4D } {
    return { sample: this.predict(sample, timestep, classLabels === undefined ? {} : { classLabels }) };
  }

  private run(input: tf.Tensor4D, time: tf.Tensor2D): tf.Tensor4D {
    const skips = [this.convIn.forward(input)];
    let down: DownState = { x: skips[0]!, picture: input };
    for (const block of this.downBlocks) down = block.forward(down, time, skips);
    let up: UpState = { x: this.midBlock?.forward(down.x, time) ?? down.x, picture: undefined };
    for (const block of this.upBlocks) up = block.forward(up, time, skips);
    const output = this.convOut.forward(silu(this.normOut.forward(up.x)));
    return up.picture === undefined ? output : tf.add(output, up.picture);
  }

  private makeClassEmbedding(features: { inFeatures: number; outFeatures: number }) {
    const { classEmbedType, numClassEmbeds } = this.options;
    if (classEmbedType === 'identity') return 'identity';
    if (classEmbedType === 'timestep') return this.child('class_embedding', new TimestepEmbedding(features));
    if (numClassEmbeds === null) return undefined;
    return this.child('class_embedding', new Embedding({ count: numClassEmbeds, size: features.outFeatures }));
  }

  private anyCondition(images: number, time: number): Condition {
    const { classEmbedding } = this;
    if (classEmbedding === undefined) return {};
    if (classEmbedding === 'identity') return { classLabels: tf.zeros<tf.Rank.R2>([images, timeSizeOf(this.options)]) };
    return { classLabels: new Array<number>(images).fill(classEmbedding instanceof Embedding ? 0 : time) };
  }

  private embed(times: tf.Tensor1D, { classLabels }: Condition): tf.Tensor2D {
    const time = this.timeEmbedding.forward(this.timeProjection.forward(times));
    const { classEmbedding } = this;
    const refuse = (allowed: string): never => {
      const bad = { argument: 'classLabels', value: classLabels, allowed };
      throw new UNetError('UNET_CLASS_LABELS', invalidArgument(bad));
    };
    if (classEmbedding === undefined) {
      return classLabels === undefined ? time : refuse('left out, because the model has no class embedding');
    }
    if (classLabels === undefined) return refuse('given, because the model has a class embedding');
    if (classEmbedding === 'identity') {
      const [images, size] = time.shape;
      if (!(classLabels instanceof tf.Tensor) || classLabels.rank !== 2) return refuse('embeddings of rank 2');
      const [rows, width] = (classLabels as tf.Tensor2D).shape;
      if ((rows !== images && rows !== 1) || width !== size) return refuse(`embeddings [${images}, ${size}]`);
      return tf.add(time, classLabels);
    }
    const count = classEmbedding instanceof Embedding ? this.options.numClassEmbeds! : undefined;
    const labels = numberPerImage(classLabels as Timesteps, times.shape[0], count, 'classLabels', 'UNET_CLASS_LABELS');
    if (classEmbedding instanceof Embedding) return tf.add(time, classEmbedding.forward(labels));
    return tf.add(time, classEmbedding.forward(this.timeProjection.forward(labels)));
  }
}

/** The last level has a pixel or more; where the first block of the decoder reflects it at its edges, that takes two. */
function leastSide({ upBlockTypes, blockOutChannels: { length: levels } }: UNet2DOptions): number {
  const reflects = levels > 1 && upBlockTypes[0]!.endsWith('KUpBlock2D');
  return (reflects ? 2 : 1) * 2 ** (levels - 1);
}

/** Features of the time embedding. */
function timeSizeOf({ timeEmbeddingDim, blockOutChannels }: UNet2DOptions): number {
  return timeEmbeddingDim ?? blockOutChannels[0]! * 4;
}

function blockSettings(options: UNet2DOptions): BlockSettings {
  return {
    timeSize: timeSizeOf(options),
    layers: options.layersPerBlock,
    groups: options.normNumGroups,
    epsilon: options.normEps,
    activation: options.actFn.toLowerCase() as ActivationName,
    time: options.resnetTimeScaleShift === 'scale_shift' ? 'film' : 'add',
    dropout: options.dropout,
    headSize: options.attentionHeadDim,
    downsamplePadding: options.downsamplePadding,
    downsampleType: options.downsampleType,
    upsampleType: options.upsampleType,
  };
}
