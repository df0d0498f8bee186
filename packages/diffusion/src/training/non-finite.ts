import * as tf from '@tensorflow/tfjs-core';
import { classNameOf, recordCalls, type Module } from '@missing-u/unet-blocks';
import type { TrainableDenoiser } from '../contracts.ts';
import { predictWithDropout } from './dropout.ts';
import type { FlatParameters } from './flat-parameters.ts';
import { lossAndGradient, type LossOptions } from './objective.ts';

/** One evaluation of the loss, to look at. */
export interface LossInputs extends Pick<LossOptions, 'condition' | 'dropout'> {
  noisy: tf.Tensor4D;
  timesteps: tf.Tensor1D;
  target: tf.Tensor4D;
}

/**
 * Where a loss or gradient stops being finite: the images, a weight, the first layer whose output is not, or the last layer
 * whose gradient is not. It runs the network once more, operation by operation. Undefined where everything is finite.
 */
export async function findNonFinite(
  denoiser: TrainableDenoiser,
  parameters: FlatParameters,
  { noisy, timesteps, target, ...inputs }: LossInputs,
): Promise<string | undefined> {
  if (!(await isFinite(noisy))) return 'the images of the batch';
  const bad = await firstOf(parameters.parameters, ({ variable }) => variable);
  if (bad !== undefined) return `the weight \`${bad.name}\``;
  const layer = await firstLayer(denoiser, noisy, timesteps, inputs);
  if (layer !== undefined) return `the output of the layer \`${layer}\``;
  const { gradient, ...rest } = lossAndGradient(denoiser, parameters, noisy, timesteps, target, inputs);
  const parts = parameters.unflatten(gradient);
  try {
    // Gradients flow from the last layer to the first: the last bad one is where it began.
    const named = parameters.parameters.map(({ name }, i) => ({ name, part: parts[i]! })).reverse();
    const source = await firstOf(named, ({ part }) => part);
    return source === undefined ? undefined : `the gradient of \`${source.name}\``;
  } finally {
    tf.dispose([gradient, rest, parts]);
  }
}

/** The path of the first layer, in the order of computation, that gives something not finite. */
async function firstLayer(
  denoiser: TrainableDenoiser,
  noisy: tf.Tensor4D,
  timesteps: tf.Tensor1D,
  inputs: Pick<LossOptions, 'condition' | 'dropout'>,
): Promise<string | undefined> {
  const marks: { layer: Module; mark: tf.Tensor }[] = [];
  const output = tf.tidy(() => {
    let prediction: tf.Tensor4D | undefined;
    recordCalls(
      () => (prediction = predictWithDropout(denoiser, noisy, timesteps, inputs)),
      (layer, tensor) => marks.push({ layer, mark: tf.keep(finiteMark(tensor)) }),
    );
    return prediction!;
  });
  try {
    const found = await firstOf(marks, ({ mark }) => mark);
    if (found !== undefined) return pathOf(denoiser, found.layer) ?? classNameOf(found.layer);
    return (await isFinite(output)) ? undefined : 'predict (its result)';
  } finally {
    tf.dispose([output, marks.map(({ mark }) => mark)]);
  }
}

/** Where a layer hangs in a network's tree of modules. */
function pathOf(root: object, layer: Module, prefix = ''): string | undefined {
  const { directMembers } = root as Partial<Module>;
  for (const { name, member } of directMembers?.call(root) ?? []) {
    const path = [prefix, name].filter((part) => part !== '').join('.');
    if (member === layer) return path;
    const below = pathOf(member, layer, path);
    if (below !== undefined) return below;
  }
  return undefined;
}

async function firstOf<T>(items: readonly T[], tensorOf: (item: T) => tf.Tensor): Promise<T | undefined> {
  for (const item of items) if (!(await isFinite(tensorOf(item)))) return item;
  return undefined;
}

/** 0 where a tensor holds finite numbers only, NaN elsewhere. */
export function finiteMark(tensor: tf.Tensor): tf.Scalar {
  return tf.tidy(() => tf.sum(tf.mul(tensor, 0)));
}

async function isFinite(tensor: tf.Tensor): Promise<boolean> {
  const mark = finiteMark(tensor);
  const [value] = await mark.data();
  mark.dispose();
  return value === 0;
}
