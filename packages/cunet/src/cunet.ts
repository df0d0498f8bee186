import * as tf from '@tensorflow/tfjs-core';
import { createGenerator } from '@missing-u/random';
import { checkSample, Conv2d, Module, timestepTensor, zeros, type Timesteps } from '@missing-u/unet-blocks';
import { resolveConfig } from './config.ts';
import { DownLevel, Stage, UpLevel } from './level.ts';
import { attentionPlaces, type CUNetConfig, type CUNetOptions } from './options.ts';
import { presetOf, type PresetName } from './presets.ts';
import { gradientOf } from './solver.ts';
import { LiftStem, PublishedStem, type Stem } from './stem.ts';
import { AdditiveTime, TimeMlp, TimeTable, type TimeEmbedding } from './time.ts';

const levels = [0, 1, 2, 3] as const;

/**
 * The continuous U-Net for diffusion (Calvo-Ordonez et al., "The Missing U for Efficient Diffusion Models", 2023): a U-Net
 * whose nine blocks are neural ODEs of second order, conditioned on the diffusion time. With the default options it has
 * 8,763,491 parameters, a quarter of the usual U-Net's.
 *
 * ```
 * e = time(t)                                        z = stem(images) = [x, v]
 * four times down: z = block(z, e); skip = z; z = halve(act(conv1x1(z)))          C, 2C, 4C, 8C channels
 * z = block(z, e)                                                                 16C
 * four times up:   z = block(act(conv1x1([double(z), skip])), e)                  8C, 4C, 2C, C
 * prediction = conv1x1(z)
 * ```
 */
export class CUNet extends Module {
  /** The name that `model_index.json` and reports give it; a bundler may rename the class itself. */
  static readonly className: string = 'CUNet';
  /** All options with their values: `new CUNet(config)` makes a network of the same kind. */
  readonly config: CUNetConfig;
  private readonly time: TimeEmbedding | undefined;
  private readonly stem: Stem;
  private readonly stemTime: AdditiveTime | undefined;
  private readonly down: DownLevel[];
  private readonly mid: Stage;
  private readonly up: UpLevel[];
  private readonly head: Conv2d;

  /**
   * @throws UNetError `UNET_OPTION` (an option or value that is not known), `UNET_GROUPS`;
   *   CUNetError `CUNET_UNKNOWN_PRESET`, `CUNET_OPTION`
   */
  constructor(options: CUNetOptions = {}) {
    super();
    const config = resolveConfig(options);
    const { channels, timeSize } = config;
    this.config = config;
    const gradient = gradientOf(options.gradient ?? 'direct', config.solver);
    if (config.timeEmbedding === 'table') this.time = this.child('time', new TimeTable(config));
    else if (config.timeConditioning !== 'none') this.time = this.child('time', new TimeMlp(timeSize));
    this.stem = this.child('stem', config.stem === 'lift' ? new LiftStem(config) : new PublishedStem(config));
    if (config.timeConditioning === 'additive') {
      this.stemTime = this.child('stem_time', new AdditiveTime(timeSize, channels));
    }
    this.down = levels.map((i) =>
      this.child(`down.${i}`, new DownLevel(config, channels * 2 ** i, attentionPlaces[i], gradient)),
    );
    this.mid = this.child('mid', new Stage(config, channels * 16, 'b', gradient));
    this.up = levels.map((i) =>
      this.child(
        `up.${i}`,
        new UpLevel(config, channels * 2 ** (3 - i), attentionPlaces[(5 + i) as 5 | 6 | 7 | 8], gradient),
      ),
    );
    const first = options.outputInitializer === 'zeros' ? { initializer: zeros, biasInitializer: zeros } : {};
    this.head = this.child(
      'head',
      new Conv2d({ inChannels: channels, outChannels: config.outChannels, kernelSize: 1, ...first }),
    );
    if (options.weights !== 'none') this.initialize(options.generator ?? createGenerator(options.seed ?? 0));
  }

  /**
   * The prediction (of the noise, or of what else the network is trained for) for noisy images.
   *
   * @param sample [N, H, W, inChannels], float32, in [-1, 1] plus noise; H and W are multiples of 16
   * @param timesteps diffusion times in 0 .. trainTimesteps - 1: one for all images, or one per image
   * @returns [N, H, W, outChannels]
   * @throws UNetError `UNET_SAMPLE`, `UNET_TIMESTEPS`, `UNET_NO_WEIGHTS`
   */
  predict(sample: tf.Tensor4D, timesteps: Timesteps): tf.Tensor4D {
    const { inChannels, trainTimesteps, timeConditioning } = this.config;
    checkSample(sample, inChannels, 16);
    return tf.tidy(() => {
      const times = timestepTensor(timesteps, sample.shape[0], trainTimesteps ?? undefined);
      const embedding = timeConditioning === 'none' ? undefined : this.time?.forward(times);
      let state = this.stem.forward(sample);
      if (embedding !== undefined && this.stemTime !== undefined) state = this.stemTime.forward(state, embedding);
      const skips: tf.Tensor4D[] = [];
      for (const level of this.down) {
        const below = level.forward(state, embedding);
        skips.push(below.skip);
        state = below.state;
      }
      state = this.mid.forward(state, embedding);
      for (const level of this.up) state = level.forward(state, skips.pop()!, embedding);
      return this.head.forward(state);
    });
  }

  /** The preset that this network has the structure of, whatever its sizes; undefined where it is none's. */
  get preset(): PresetName | undefined {
    return presetOf(this.config);
  }

  /** `predict` in the words of diffusers: `model.forward(sample, timestep).sample`. */
  forward(sample: tf.Tensor4D, timestep: Timesteps): { sample: tf.Tensor4D } {
    return { sample: this.predict(sample, timestep) };
  }
}
