import { CUNet } from '@missing-u/cunet';
import { compile, useEngine } from '@missing-u/engine';
import { findInstallations } from '@missing-u/engine/node';
import { UNet } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { FlatParameters, lossAndGradient, type TrainableDenoiser } from '../src/index.ts';

const installed = (await findInstallations()).some(({ fault }) => fault === undefined);
if (installed) await useEngine('native', { threads: 2 });

type Network = TrainableDenoiser & { dispose(): void };
const size = { inChannels: 1, imageSize: 32 };
const networks: [string, () => Network][] = [
  ...(['cunet', 'cunet-fo-woR', 'published-woA'] as const).map((preset): [string, () => Network] => [
    preset,
    () => new CUNet({ ...size, preset, channels: 16 }),
  ]),
  ['unet', () => new UNet({ ...size, dim: 8, dimMults: [1, 2] })],
];

describe.skipIf(!installed)('compiled networks (needs `missing-u native install`)', () => {
  it.each(networks)('%s equals itself, in its prediction and its gradient', (_, make) => {
    const network = make();
    const parameters = new FlatParameters(network.parameters().filter(({ variable }) => variable.trainable));
    const side = 32;
    const x = tf.tidy(() => tf.reshape<tf.Rank.R4>(tf.sin(tf.range(0, 2 * side * side)), [2, side, side, 1]));
    const t = tf.tensor1d([3, 700]);
    const both = (images: tf.Tensor4D, times: tf.Tensor1D) => {
      const { loss, gradient } = lossAndGradient(network, parameters, images, times, images);
      return [network.predict(images, times), loss, gradient];
    };
    const step = compile(both);
    const eager = tf.tidy(() => both(x, t));
    for (let call = 0; call < 2; call++) {
      const graph = step(x, t);
      graph.forEach((tensor, i) => expect(relative(tensor, eager[i]!)).toBeLessThan(1e-5));
      tf.dispose(graph);
    }
    step.dispose();
    tf.dispose([x, t, eager]);
    network.dispose();
  });
});

/** The largest difference, in the size of the largest element. */
function relative(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => tf.div(tf.max(tf.abs(tf.sub(a, b))), tf.max(tf.abs(b))).dataSync()[0]!);
}
