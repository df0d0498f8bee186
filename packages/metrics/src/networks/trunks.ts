import * as tf from '@tensorflow/tfjs-core';
import type { StateDict } from '@missing-u/weights';
import { MetricError } from '../errors.ts';
import { Parameters } from './parameters.ts';

/** One layer of a trunk; `at` is its number in torchvision's `features`. */
type Layer =
  | {
      readonly kind: 'convolution';
      readonly at: number;
      readonly out: number;
      readonly size: number;
      readonly stride: number;
      readonly pad: number;
    }
  | { readonly kind: 'fire'; readonly at: number; readonly squeeze: number; readonly expand: number }
  | { readonly kind: 'pool'; readonly size: 2 | 3; readonly cutOff: boolean }
  | { readonly kind: 'tap' };

const conv = (at: number, out: number, size: number, stride: number, pad: number): Layer => ({
  kind: 'convolution',
  at,
  out,
  size,
  stride,
  pad,
});
const fire = (at: number, squeeze: number, expand: number): Layer => ({ kind: 'fire', at, squeeze, expand });
const pool = (size: 2 | 3, cutOff = true): Layer => ({ kind: 'pool', size, cutOff });
const tap: Layer = { kind: 'tap' };

/** The convolutional parts of torchvision's networks, each convolution with its ReLU, up to the last tap of LPIPS. */
const layersOf = {
  /** `squeezenet1_1`; its pools keep a last window that is not full (`ceil_mode`). */
  squeeze: [
    ...[conv(0, 64, 3, 2, 0), tap, pool(3, false), fire(3, 16, 64), fire(4, 16, 64), tap],
    ...[pool(3, false), fire(6, 32, 128), fire(7, 32, 128), tap],
    ...[pool(3, false), fire(9, 48, 192), tap, fire(10, 48, 192), tap, fire(11, 64, 256), tap, fire(12, 64, 256), tap],
  ],
  alex: [
    ...[conv(0, 64, 11, 4, 2), tap, pool(3), conv(3, 192, 5, 1, 2), tap],
    ...[pool(3), conv(6, 384, 3, 1, 1), tap, conv(8, 256, 3, 1, 1), tap, conv(10, 256, 3, 1, 1), tap],
  ],
  /** `vgg16`, without batch norm. */
  vgg: [
    ...[conv(0, 64, 3, 1, 1), conv(2, 64, 3, 1, 1), tap],
    ...[pool(2), conv(5, 128, 3, 1, 1), conv(7, 128, 3, 1, 1), tap],
    ...[pool(2), conv(10, 256, 3, 1, 1), conv(12, 256, 3, 1, 1), conv(14, 256, 3, 1, 1), tap],
    ...[pool(2), conv(17, 512, 3, 1, 1), conv(19, 512, 3, 1, 1), conv(21, 512, 3, 1, 1), tap],
    ...[pool(2), conv(24, 512, 3, 1, 1), conv(26, 512, 3, 1, 1), conv(28, 512, 3, 1, 1), tap],
  ],
} satisfies Record<string, readonly Layer[]>;

/** Networks that LPIPS stands on. */
export type TrunkName = keyof typeof layersOf;

export const trunkNames = Object.keys(layersOf) as TrunkName[];

/** A network with its weights; `features` gives the activations at its taps. */
export interface Trunk {
  readonly name: TrunkName;
  /** Channels at each tap. */
  readonly channels: readonly number[];
  /** @param images [n, height, width, 3], normalised. @returns a tensor [n, h, w, channels] for each tap. */
  features(images: tf.Tensor4D): tf.Tensor4D[];
  dispose(): void;
}

/** What halves the pictures between blocks, over windows of the given side. */
export type Pool = (x: tf.Tensor4D, size: number) => tf.Tensor4D;

/**
 * AlexNet, SqueezeNet 1.1 or VGG16 with torchvision's weights (keys `features.0.weight` and so on; a classifier may be
 * there). `pool` takes the place of the network's max pools. @throws MetricError `METRIC_WRONG_WEIGHTS`
 */
export function createTrunk(name: TrunkName, weights: StateDict, { pool = maxPool }: { pool?: Pool } = {}): Trunk {
  const parameters = new Parameters(
    weights,
    `torchvision's ${{ squeeze: 'squeezenet1_1', alex: 'alexnet', vgg: 'vgg16' }[name]}`,
  );
  const channels: number[] = [];
  let depth = 3;
  const steps = layersOf[name].map((layer: Layer): ((x: tf.Tensor4D) => tf.Tensor4D) | 'tap' => {
    switch (layer.kind) {
      case 'convolution': {
        const { at, out, size, stride, pad } = layer;
        const { filter, bias } = parameters.convolution(`features.${at}`, [out, depth, size, size]);
        depth = out;
        return (x) => tf.relu(tf.add(tf.conv2d(x, filter, stride, pad), bias));
      }
      case 'fire': {
        const { at, squeeze, expand } = layer;
        const part = (key: string, from: number, out: number, size: number) => {
          const { filter, bias } = parameters.convolution(`features.${at}.${key}`, [out, from, size, size]);
          return (x: tf.Tensor4D) => tf.relu<tf.Tensor4D>(tf.add(tf.conv2d(x, filter, 1, 'same'), bias));
        };
        const narrow = part('squeeze', depth, squeeze, 1);
        const [one, three] = [part('expand1x1', squeeze, expand, 1), part('expand3x3', squeeze, expand, 3)];
        depth = 2 * expand;
        return (x) => {
          const small = narrow(x);
          return tf.concat([one(small), three(small)], 3);
        };
      }
      case 'pool':
        return (x) => pool(layer.cutOff ? x : filledUp(x), layer.size);
      case 'tap':
        channels.push(depth);
        return 'tap';
    }
  });
  parameters.finish();

  // Other pools may shrink less.
  const least = pool === maxPool ? smallestSide(layersOf[name]) : 1;
  const features = (images: tf.Tensor4D): tf.Tensor4D[] => {
    const [, height, width] = images.shape;
    if (Math.min(height, width) < least) {
      throw new MetricError(
        'METRIC_TOO_SMALL',
        `The pictures are ${width} x ${height}, but the network '${name}' needs at least ${least} pixels a side; enlarge them first.`,
      );
    }
    return tf.tidy(() => {
      const taps: tf.Tensor4D[] = [];
      let x = images;
      for (const step of steps) {
        if (step === 'tap') taps.push(x);
        else x = step(x);
      }
      return taps;
    });
  };
  return { name, channels, features, dispose: () => parameters.dispose() };
}

/** The smallest picture that leaves a pixel behind every layer. */
function smallestSide(layers: readonly Layer[]): number {
  const fits = (side: number) => {
    for (const layer of layers) {
      if (layer.kind === 'convolution') side = Math.floor((side + 2 * layer.pad - layer.size) / layer.stride) + 1;
      if (layer.kind === 'pool') {
        const room = side - layer.size;
        side = (layer.cutOff ? Math.floor(room / 2) : Math.ceil(room / 2)) + 1;
      }
      if (side < 1) return false;
    }
    return true;
  };
  let side = 1;
  while (!fits(side)) side++;
  return side;
}

const maxPool: Pool = (x, size) => tf.maxPool(x, size, 2, 'valid');

/** Zeros behind even sides, so that a 3 x 3 pool of stride 2 has a last window; after a ReLU they never win. */
function filledUp(x: tf.Tensor4D): tf.Tensor4D {
  const [, height, width] = x.shape;
  const [below, right] = [height, width].map((size) => (size % 2 === 0 ? 1 : 0)) as [number, number];
  return below + right === 0
    ? x
    : tf.pad(x, [
        [0, 0],
        [0, below],
        [0, right],
        [0, 0],
      ]);
}
