import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { createGenerator } from '@missing-u/random';
import { classNameOf } from './class-name.ts';
import { UNetError } from './errors.ts';
import { zeros } from './initializers.ts';
import { Module } from './module.ts';
import { Parameter } from './parameter.ts';
import { recordCalls, type LayerCall } from './recorder.ts';

/** A module that predicts, as `UNet`, `UNet2DModel` and `CUNet`. */
export interface SummarizedModel extends Module {
  predict(sample: tf.Tensor4D, timesteps: number): tf.Tensor;
  /** A prediction for some time and condition, of models that do not take time 0 without a condition. */
  predictAny?(sample: tf.Tensor4D): tf.Tensor;
}

/** One layer of a summary: what it holds itself and what all its calls do. */
export interface LayerSummary {
  /** Path in the model. */
  name: string;
  /** Class, for example `Conv2d`. */
  kind: string;
  /** Of the last call; undefined for a layer that was not called. */
  outputShape: number[] | undefined;
  parameters: number;
  /** How often one prediction calls it: four times in a block of four evaluations. */
  calls: number;
  /** Multiply-adds of all calls. */
  operations: number;
  /** Of the weights that it holds itself. */
  weightBytes: number;
  /** Of the outputs of all calls together. */
  activationBytes: number;
  /** Of its weights in a trainer's checkpoint. */
  checkpointBytes: number;
}

/** What a model costs. */
export interface Summary {
  layers: LayerSummary[];
  parameters: number;
  trainableParameters: number;
  /** Multiply-adds of one prediction for the input, counted while it runs. */
  operations: number;
  /** Of the weights. */
  weightBytes: number;
  /** Of the outputs of all layer calls together: what a tape without recomputation keeps, at least. */
  activationBytes: number;
  /** Of a trainer's checkpoint: weights, their moving average and two Adam moments, 16 bytes per weight, 8 per frozen one. */
  checkpointBytes: number;
  toString(): string;
}

/**
 * Runs a model once on zeros and counts what its layers do: shapes, weights, operations, bytes.
 *
 * Operations are counted by the convention of PyTorch's `thop`, in which the paper's numbers are: convolutions and linear
 * layers as multiply-adds without bias, 2 per number for instance normalisation, 1 per number for nearest-neighbour doubling,
 * and nothing for group normalisation, activations, sums and the matrix products of attention.
 *
 * @param inputShape [height, width, channels], or [images, height, width, channels]
 */
export function summary(model: SummarizedModel, inputShape: readonly number[]): Summary {
  const shape = inputShape.length === 3 ? [1, ...inputShape] : [...inputShape];
  if (shape.length !== 4 || !shape.every((size) => Number.isInteger(size) && size > 0)) {
    const allowed = '[height, width, channels] or [images, height, width, channels], integers above 0';
    throw new UNetError('UNET_SHAPE', invalidArgument({ argument: 'inputShape', value: inputShape, allowed }));
  }
  const probe = initialized(model);
  try {
    const calls = recordCalls(() =>
      tf.tidy(() => {
        const sample = tf.zeros<tf.Rank.R4>(shape as tf.ShapeMap[tf.Rank.R4]);
        if (probe.predictAny === undefined) probe.predict(sample, 0);
        else probe.predictAny(sample);
      }),
    );
    return total(tally(probe, calls), probe);
  } finally {
    if (probe !== model) probe.dispose();
  }
}

/** The model itself, or a copy with zeros where it has shapes only. */
function initialized<M extends SummarizedModel>(model: M): M {
  const complete = walk(model).every(({ own }) => own.every((parameter) => parameter.initialized));
  return complete ? model : model.clone().initialize(createGenerator(0), () => zeros);
}

/** Every module of the tree with its path and the weights that it holds itself. */
function walk(root: Module, prefix = ''): { name: string; module: Module; own: Parameter[] }[] {
  const members = root.directMembers();
  const own = members.flatMap(({ member }) => (member instanceof Parameter ? [member] : []));
  const parts = members.flatMap(({ name, member }) =>
    member instanceof Module ? walk(member, [prefix, name].filter((part) => part !== '').join('.')) : [],
  );
  return [{ name: prefix, module: root, own }, ...parts];
}

/** The layers that hold weights or were called, in definition order. */
function tally(model: Module, calls: readonly LayerCall[]): LayerSummary[] {
  return walk(model).flatMap(({ name, module, own }) => {
    const mine = calls.filter(({ layer }) => layer === module);
    if (mine.length === 0 && own.length === 0) return [];
    return {
      name,
      kind: classNameOf(module),
      outputShape: mine.at(-1)?.outputShape,
      parameters: sumOf(own, ({ variable }) => variable.size),
      calls: mine.length,
      operations: sumOf(mine, ({ operations }) => operations),
      weightBytes: sumOf(own, ({ variable }) => 4 * variable.size),
      activationBytes: sumOf(mine, ({ outputShape }) => 4 * sizeOf(outputShape)),
      checkpointBytes: sumOf(own, ({ variable }) => checkpointBytesPerWeight(variable) * variable.size),
    };
  });
}

/** The weight, its moving average and two moments of Adam; a frozen one has no moments. */
function checkpointBytesPerWeight({ trainable }: tf.Variable): number {
  return trainable ? 16 : 8;
}

function total(layers: LayerSummary[], model: Module): Summary {
  const variables = model.parameters().map(({ variable }) => variable);
  return {
    layers,
    parameters: sumOf(layers, ({ parameters }) => parameters),
    trainableParameters: sumOf(variables, ({ trainable, size }) => (trainable ? size : 0)),
    operations: sumOf(layers, ({ operations }) => operations),
    weightBytes: sumOf(layers, ({ weightBytes }) => weightBytes),
    activationBytes: sumOf(layers, ({ activationBytes }) => activationBytes),
    checkpointBytes: sumOf(layers, ({ checkpointBytes }) => checkpointBytes),
    toString() {
      return table(this);
    },
  };
}

function table({ layers, ...sums }: Summary): string {
  const rows = layers.map((layer) => [
    layer.name,
    layer.kind,
    layer.outputShape?.join(' x ') ?? '-',
    layer.parameters.toLocaleString('en'),
    String(layer.calls),
    layer.operations.toLocaleString('en'),
    ...[layer.weightBytes, layer.activationBytes, layer.checkpointBytes].map((bytes) => bytes.toLocaleString('en')),
  ]);
  const sizes = ['weight bytes', 'activation bytes', 'checkpoint bytes'];
  const all = [['layer', 'kind', 'output', 'weights', 'calls', 'operations', ...sizes], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    row.map((cell, column) => (column < 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ');
  const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return [
    ...all.map(line),
    '',
    `weights      ${sums.parameters.toLocaleString('en')} (${mebibytes(sums.weightBytes)})`,
    `operations   ${sums.operations.toLocaleString('en')}`,
    `activations  ${mebibytes(sums.activationBytes)}`,
    `checkpoint   ${mebibytes(sums.checkpointBytes)}`,
  ].join('\n');
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
