import * as tf from '@tensorflow/tfjs-core';
import type { InceptionTap } from './inception.ts';
import type { Parameters } from './parameters.ts';

/** TensorFlow's network of 2015, or torchvision's. */
export type Layout = 'fid' | 'torchvision';

/** A step of the network; `tap` names the features behind it, `spatial` gives those of sFID from its input. */
interface Block {
  readonly run: Run;
  readonly tap?: InceptionTap;
  readonly spatial?: (x: tf.Tensor4D) => tf.Tensor2D;
}

export interface Blocks {
  readonly blocks: readonly Block[];
  readonly classifier: { readonly weight: tf.Tensor2D; readonly bias: tf.Tensor1D } | undefined;
}

type Run = (x: tf.Tensor4D) => tf.Tensor4D;
type Size = number | readonly [height: number, width: number];

/** torchvision's BasicConv2d has TensorFlow's epsilon, not PyTorch's. */
const epsilon = 0.001;

/** The network from input to pool, with torchvision's names (Szegedy et al. 2015, table 1 and figures 5 to 7). */
export function inceptionBlocks(parameters: Parameters, layout: Layout, classes: number | undefined): Blocks {
  /** Convolution, batch norm and ReLU. All padded ones keep the size. */
  const conv = (name: string, inputs: number, out: number, size: Size, { stride = 1, padded = false } = {}): Run => {
    const [height, width] = typeof size === 'number' ? [size, size] : size;
    const { filter, bias } = parameters.normalizedConvolution(name, [out, inputs, height, width], epsilon);
    const pad = padded ? 'same' : 'valid';
    return (x) => tf.fused.conv2d<tf.Tensor4D>({ x, filter, bias, strides: stride, pad, activation: 'relu' });
  };
  const padded = { padded: true };
  const half = { stride: 2 };
  const maxPool: Run = (x) => tf.maxPool(x, 3, 2, 'valid');
  const average = layout === 'fid' ? averageInside : averageWithPadding;

  const mixedA = (name: string, inputs: number, pool: number): Run =>
    branches([
      conv(`${name}.branch1x1`, inputs, 64, 1),
      chain(conv(`${name}.branch5x5_1`, inputs, 48, 1), conv(`${name}.branch5x5_2`, 48, 64, 5, padded)),
      chain(
        conv(`${name}.branch3x3dbl_1`, inputs, 64, 1),
        conv(`${name}.branch3x3dbl_2`, 64, 96, 3, padded),
        conv(`${name}.branch3x3dbl_3`, 96, 96, 3, padded),
      ),
      chain(average, conv(`${name}.branch_pool`, inputs, pool, 1)),
    ]);
  const mixedB = (name: string, inputs: number): Run =>
    branches([
      conv(`${name}.branch3x3`, inputs, 384, 3, half),
      chain(
        conv(`${name}.branch3x3dbl_1`, inputs, 64, 1),
        conv(`${name}.branch3x3dbl_2`, 64, 96, 3, padded),
        conv(`${name}.branch3x3dbl_3`, 96, 96, 3, half),
      ),
      maxPool,
    ]);
  const mixedC = (name: string, inner: number): Run & { first: Run } => {
    const line: Size = [1, 7];
    const column: Size = [7, 1];
    const first = conv(`${name}.branch1x1`, 768, 192, 1);
    const run = branches([
      first,
      chain(
        conv(`${name}.branch7x7_1`, 768, inner, 1),
        conv(`${name}.branch7x7_2`, inner, inner, line, padded),
        conv(`${name}.branch7x7_3`, inner, 192, column, padded),
      ),
      chain(
        conv(`${name}.branch7x7dbl_1`, 768, inner, 1),
        conv(`${name}.branch7x7dbl_2`, inner, inner, column, padded),
        conv(`${name}.branch7x7dbl_3`, inner, inner, line, padded),
        conv(`${name}.branch7x7dbl_4`, inner, inner, column, padded),
        conv(`${name}.branch7x7dbl_5`, inner, 192, line, padded),
      ),
      chain(average, conv(`${name}.branch_pool`, 768, 192, 1)),
    ]);
    return Object.assign((x: tf.Tensor4D) => run(x), { first });
  };
  const mixedD = (name: string): Run =>
    branches([
      chain(conv(`${name}.branch3x3_1`, 768, 192, 1), conv(`${name}.branch3x3_2`, 192, 320, 3, half)),
      chain(
        conv(`${name}.branch7x7x3_1`, 768, 192, 1),
        conv(`${name}.branch7x7x3_2`, 192, 192, [1, 7], padded),
        conv(`${name}.branch7x7x3_3`, 192, 192, [7, 1], padded),
        conv(`${name}.branch7x7x3_4`, 192, 192, 3, half),
      ),
      maxPool,
    ]);
  const mixedE = (name: string, inputs: number, pool: Run): Run => {
    const fork = (branch: string) =>
      branches([
        conv(`${name}.${branch}a`, 384, 384, [1, 3], padded),
        conv(`${name}.${branch}b`, 384, 384, [3, 1], padded),
      ]);
    return branches([
      conv(`${name}.branch1x1`, inputs, 320, 1),
      chain(conv(`${name}.branch3x3_1`, inputs, 384, 1), fork('branch3x3_2')),
      chain(
        conv(`${name}.branch3x3dbl_1`, inputs, 448, 1),
        conv(`${name}.branch3x3dbl_2`, 448, 384, 3, padded),
        fork('branch3x3dbl_3'),
      ),
      chain(pool, conv(`${name}.branch_pool`, inputs, 192, 1)),
    ]);
  };

  const mixed6d = mixedC('Mixed_6d', 160);
  const blocks: Block[] = [
    { run: conv('Conv2d_1a_3x3', 3, 32, 3, half) },
    { run: conv('Conv2d_2a_3x3', 32, 32, 3) },
    { run: chain(conv('Conv2d_2b_3x3', 32, 64, 3, padded), maxPool), tap: 64 },
    { run: conv('Conv2d_3b_1x1', 64, 80, 1) },
    { run: chain(conv('Conv2d_4a_3x3', 80, 192, 3), maxPool), tap: 192 },
    { run: mixedA('Mixed_5b', 192, 32) },
    { run: mixedA('Mixed_5c', 256, 64) },
    { run: mixedA('Mixed_5d', 288, 64) },
    { run: mixedB('Mixed_6a', 288) },
    { run: mixedC('Mixed_6b', 128) },
    { run: mixedC('Mixed_6c', 160) },
    { run: mixed6d, spatial: (x) => firstSeven(mixed6d.first(x)) },
    { run: mixedC('Mixed_6e', 192), tap: 768 },
    { run: mixedD('Mixed_7a') },
    { run: mixedE('Mixed_7b', 1280, average) },
    // An oversight of 2015 that every FID since is defined by.
    { run: mixedE('Mixed_7c', 2048, layout === 'fid' ? (x) => tf.maxPool(x, 3, 1, 'same') : average), tap: 2048 },
  ];
  if (classes === undefined) return { blocks, classifier: undefined };
  return {
    blocks,
    classifier: { weight: parameters.linear('fc', [classes, 2048]), bias: parameters.vector('fc.bias', classes) },
  };
}

function chain(...runs: readonly Run[]): Run {
  return (x) => runs.reduce((value, run) => run(value), x);
}

function branches(runs: readonly Run[]): Run {
  return (x) =>
    tf.concat(
      runs.map((run) => run(x)),
      3,
    );
}

/** 3 x 3 means over the pixels that exist. */
const averageInside: Run = (x) => tf.avgPool(x, 3, 1, 'same');

/** 3 x 3 means with zeros around the picture counted. */
const averageWithPadding: Run = (x) =>
  tf.avgPool(
    tf.pad(x, [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]),
    3,
    1,
    'valid',
  );

function firstSeven(x: tf.Tensor4D): tf.Tensor2D {
  const [images, height, width] = x.shape;
  return tf.reshape(tf.slice(x, [0, 0, 0, 0], [images, height, width, 7]), [images, height * width * 7]);
}
