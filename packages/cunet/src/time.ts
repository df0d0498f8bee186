import * as tf from '@tensorflow/tfjs-core';
import { Linear, Module, silu, sinusoidalEmbedding } from '@missing-u/unet-blocks';
import type { CUNetConfig } from './options.ts';

/** From diffusion times [N] to embeddings [N, size]. */
export interface TimeEmbedding extends Module {
  forward(timesteps: tf.Tensor1D): tf.Tensor2D;
}

/** Linear(SiLU(Linear(sinusoids of t))), as Ho et al. 2020. */
export class TimeMlp extends Module implements TimeEmbedding {
  private readonly linear1: Linear;
  private readonly linear2: Linear;

  constructor(private readonly size: number) {
    super();
    this.linear1 = this.child('linear1', new Linear({ inFeatures: size, outFeatures: size }));
    this.linear2 = this.child('linear2', new Linear({ inFeatures: size, outFeatures: size }));
  }

  forward(timesteps: tf.Tensor1D): tf.Tensor2D {
    return tf.tidy(() => this.linear2.forward(silu(this.linear1.forward(sinusoidalEmbedding(timesteps, this.size)))));
  }
}

/**
 * A frozen table with a row of sinusoids per whole diffusion time. (The published table has another set of frequencies, half
 * of them too slow to tell steps apart; the rows here are the usual ones.)
 */
export class TimeTable extends Module implements TimeEmbedding {
  private readonly weight;

  constructor({ trainTimesteps, timeSize }: CUNetConfig) {
    super();
    this.weight = this.parameter<tf.Rank.R2>('weight', [trainTimesteps!, timeSize], {
      trainable: false,
      initializer: ([rows = 0, size = 0]) =>
        Float32Array.from({ length: rows * size }, (_, i) => {
          const [time, half, column] = [Math.floor(i / size), Math.floor(size / 2), i % size];
          const angle = time * 10000 ** (-(column % half) / (half - 1));
          return column < half ? Math.sin(angle) : Math.cos(angle);
        }),
    });
  }

  forward(timesteps: tf.Tensor1D): tf.Tensor2D {
    return tf.tidy(() => tf.gather(this.weight.variable, tf.cast(timesteps, 'int32')) as tf.Tensor2D);
  }
}

/** Linear(SiLU(Linear(e))), added to the state of a stage: the time path of the published forms without residual. */
export class AdditiveTime extends Module {
  private readonly linear1: Linear;
  private readonly linear2: Linear;

  constructor(size: number, channels: number) {
    super();
    this.linear1 = this.child('linear1', new Linear({ inFeatures: size, outFeatures: channels }));
    this.linear2 = this.child('linear2', new Linear({ inFeatures: channels, outFeatures: channels }));
  }

  forward(state: tf.Tensor4D, embedding: tf.Tensor2D): tf.Tensor4D {
    return tf.tidy(() => {
      const shift = this.linear2.forward(silu(this.linear1.forward(embedding)));
      return tf.add(state, tf.reshape(shift, [shift.shape[0], 1, 1, shift.shape[1]]));
    });
  }
}
