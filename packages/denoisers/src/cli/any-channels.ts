import * as tf from '@tensorflow/tfjs-core';
import type { ImageDenoiser } from '../face.ts';

/**
 * Lets a network of so many channels take grey and coloured pictures alike: a grey one takes each channel of a colour by
 * itself, a coloured one takes grey as three equal channels.
 */
export function anyChannels(denoiser: ImageDenoiser, channels: number): ImageDenoiser {
  return {
    async denoise(images, options) {
      const given = images.shape[3];
      if (given === channels || !(channels === 1 || given === 1)) return denoiser.denoise(images, options);
      const fitting = channels === 1 ? apart(images) : tf.tile(images, [1, 1, 1, channels]);
      const result = await denoiser.denoise(fitting, options);
      try {
        return channels === 1 ? together(result, given) : tf.mean<tf.Tensor4D>(result, 3, true);
      } finally {
        tf.dispose([fitting, result]);
      }
    },
  };
}

/** [images, height, width, channels] to [images * channels, height, width, 1]. */
function apart(images: tf.Tensor4D): tf.Tensor4D {
  const [count, height, width, channels] = images.shape;
  return tf.tidy(() => tf.reshape(tf.transpose(images, [0, 3, 1, 2]), [count * channels, height, width, 1]));
}

function together(planes: tf.Tensor4D, channels: number): tf.Tensor4D {
  const [count, height, width] = planes.shape;
  return tf.tidy(() => tf.transpose(tf.reshape(planes, [count / channels, channels, height, width]), [0, 2, 3, 1]));
}
