import { channelsFirst } from '../emit/layout.ts';
import type { Emitter } from '../emit/emitter.ts';
import type { Step, Value } from '../trace/graph.ts';
import { activate } from './elementwise.ts';
import { checkChannelsLast, pads, pair, sides, windows, type Window } from './geometry.ts';
import { bilinear, nearest } from './resize.ts';
import { input, output, type KernelRule, type KernelRules } from './rule.ts';

/** Filters as ONNX has them, [out, in, height, width]; TensorFlow.js has [height, width, in, out]. */
const filtersFirst = [3, 2, 0, 1];

function filterWindows(
  x: { shape: readonly unknown[] },
  filter: { shape: readonly unknown[] },
  step: Pick<Step, 'attributes'>,
) {
  checkChannelsLast(step.attributes);
  return windows(sides(x), [filter.shape[0] as number, filter.shape[1] as number], step.attributes);
}

function emitConvolution(step: Step, emitter: Emitter, filters: string, groups: number): void {
  const x = input(step.inputs, 'x');
  const filter = input(step.inputs, 'filter');
  const found = filterWindows(x, filter, step);
  const { bias } = step.inputs;
  const inputs = [emitter.read(x, channelsFirst), filters, ...(bias === undefined ? [] : [flat(emitter, bias)])];
  const [height, width] = found;
  const name = emitter.operator('Conv', inputs, {
    kernel_shape: [height.size, width.size],
    strides: [height.stride, width.stride],
    dilations: [height.dilation, width.dilation],
    pads: withPadding(step, pads(found)),
    group: groups,
  });
  emitter.define(output(step), activate(emitter, name, step, channelsFirst), channelsFirst);
}

/** The padding of a convolution, and that of a `pad` in front of it that was made part of it. */
function withPadding({ attributes }: Step, own: number[]): number[] {
  const before = attributes['padded'] as number[] | undefined;
  return before === undefined ? own : own.map((value, i) => value + before[i]!);
}

/** A bias as [channels]. */
function flat(emitter: Emitter, bias: Value): string {
  const channels = bias.shape.reduce<number>((size, dim) => size * (dim as number), 1);
  return emitter.reshape(emitter.read(bias), bias.shape, [channels]);
}

const convolution: KernelRule = {
  infer: ({ x, filter }, attributes) => {
    const [height, width] = filterWindows(x!, filter!, { attributes });
    return { shape: [x!.shape[0]!, height.out, width.out, filter!.shape[3]!], dtype: 'float32' };
  },
  emit: (step, emitter) => {
    const filter = input(step.inputs, 'filter');
    const groups = (input(step.inputs, 'x').shape[3] as number) / (filter.shape[2] as number);
    emitConvolution(step, emitter, emitter.read(filter, filtersFirst), groups);
  },
};

const depthwise: KernelRule = {
  infer: ({ x, filter }, attributes) => {
    const [height, width] = filterWindows(x!, filter!, { attributes });
    return { shape: [x!.shape[0]!, height.out, width.out, x!.shape[3]! * filter!.shape[3]!], dtype: 'float32' };
  },
  emit: (step, emitter) => {
    // [height, width, in, multiplier] to [in · multiplier, 1, height, width]: each channel is a group.
    const filter = input(step.inputs, 'filter');
    const [rows, columns, channels, multiplier] = filter.shape as number[];
    const layout = [2, 3, 0, 1];
    const filters = emitter.reshape(
      emitter.read(filter, layout),
      [channels!, multiplier!, rows!, columns!],
      [channels! * multiplier!, 1, rows!, columns!],
    );
    emitConvolution(step, emitter, filters, channels!);
  },
};

/** The gradient of a convolution in its input: a transposed convolution. */
const transposedConvolution: KernelRule = {
  infer: ({ dy }, { inputShape }) => ({ shape: inputShape as number[], dtype: dy!.dtype }),
  emit: (step, emitter) => {
    const dy = input(step.inputs, 'dy');
    const filter = input(step.inputs, 'filter');
    const result = output(step);
    const found = filterWindows(result, filter, step);
    const lengths = sides(dy);
    const missing = found.map((window: Window, axis) => {
      const reached = window.stride * (lengths[axis]! - 1) + window.size - window.before - window.after;
      return sides(result)[axis]! - reached;
    });
    const { bias } = step.inputs;
    const filters = emitter.read(filter, filtersFirst);
    const inputs = [emitter.read(dy, channelsFirst), filters, ...(bias === undefined ? [] : [flat(emitter, bias)])];
    const [height, width] = found;
    const name = emitter.operator('ConvTranspose', inputs, {
      kernel_shape: [height.size, width.size],
      strides: [height.stride, width.stride],
      pads: pads(found),
      output_padding: missing,
    });
    emitter.define(result, name, channelsFirst);
  },
};

function pool(operator: 'AveragePool' | 'MaxPool', global: string): KernelRule {
  const poolWindows = (x: { shape: readonly unknown[] }, attributes: Step['attributes']) => {
    checkChannelsLast(attributes);
    return windows(sides(x), pair(attributes['filterSize']), attributes);
  };
  return {
    infer: ({ x }, attributes) => {
      const [height, width] = poolWindows(x!, attributes);
      return { shape: [x!.shape[0]!, height.out, width.out, x!.shape[3]!], dtype: x!.dtype };
    },
    emit: (step, emitter) => {
      const x = input(step.inputs, 'x');
      const found = poolWindows(x, step.attributes);
      const [height, width] = found;
      const image = emitter.read(x, channelsFirst);
      const whole = sides(x).every((length, axis) => {
        const { size, before, out } = found[axis]!;
        return size === length && before === 0 && out === 1;
      });
      const name = whole
        ? emitter.operator(global, [image])
        : emitter.operator(operator, [image], {
            kernel_shape: [height.size, width.size],
            strides: [height.stride, width.stride],
            pads: pads(found),
          });
      emitter.define(output(step), name, channelsFirst);
    },
  };
}

/** Group norm, of the pattern of kernels that it consists of in TensorFlow.js. */
const groupNorm: KernelRule = {
  infer: ({ x }) => x!,
  emit: (step, emitter) => {
    const x = input(step.inputs, 'x');
    const scale = input(step.inputs, 'scale');
    const shift = input(step.inputs, 'shift');
    const groups = step.attributes['groups'] as number;
    const epsilon = { float: step.attributes['epsilon'] as number };
    const [batch, height, width, channels] = x.shape as [Value['shape'][number], number, number, number];
    const image = emitter.read(x, channelsFirst);
    const ones = (count: number, value: number) =>
      emitter.constant(new Float32Array(count).fill(value), [count], 'float32');
    const shapeFirst = [batch, channels, height, width];
    if (groups === channels) {
      const flatten = (value: Value) => emitter.reshape(emitter.read(value), value.shape, [channels]);
      if (scale.kind === 'constant' && shift.kind === 'constant' && scale.shape[0] === 1 && shift.shape[0] === 1) {
        // Runtimes compute x · s + (b - mean · s), which loses digits where the mean is large: it is taken away before.
        const centred = emitter.operator('Sub', [image, emitter.operator('GlobalAveragePool', [image])]);
        const inputs = [centred, flatten(scale), flatten(shift)];
        emitter.define(output(step), emitter.operator('InstanceNormalization', inputs, { epsilon }), channelsFirst);
        return;
      }
    }
    const grouped = emitter.reshape(image, shapeFirst, [batch, groups, (channels / groups) * height * width]);
    const normed = emitter.operator('InstanceNormalization', [grouped, ones(groups, 1), ones(groups, 0)], { epsilon });
    const restored = emitter.reshape(normed, [batch, groups, (channels / groups) * height * width], shapeFirst);
    const scaled = emitter.operator('Mul', [restored, emitter.readBroadcast(scale, channelsFirst)]);
    const shifted = emitter.operator('Add', [scaled, emitter.readBroadcast(shift, channelsFirst)]);
    emitter.define(output(step), shifted, channelsFirst);
  },
};

const batchNorm: KernelRule = {
  infer: ({ x }) => x!,
  emit: (step, emitter) => {
    const x = input(step.inputs, 'x');
    const layout = emitter.layoutOf(x);
    const read = (name: string) => emitter.readBroadcast(input(step.inputs, name), layout);
    const deviation = emitter.operator('Sqrt', [
      emitter.operator('Add', [read('variance'), emitter.scalar(step.attributes['varianceEpsilon'] as number)]),
    ]);
    let name = emitter.operator('Sub', [emitter.read(x, layout), read('mean')]);
    name = emitter.operator('Div', [name, deviation]);
    if (step.inputs['scale'] !== undefined) name = emitter.operator('Mul', [name, read('scale')]);
    if (step.inputs['offset'] !== undefined) name = emitter.operator('Add', [name, read('offset')]);
    emitter.define(output(step), name, layout);
  },
};

const depthToSpace: KernelRule = {
  infer: ({ x }, attributes) => {
    checkChannelsLast(attributes);
    const [images, height, width, channels] = x!.shape as [number, number, number, number];
    const side = attributes['blockSize'] as number;
    return { shape: [images, height * side, width * side, channels / side ** 2], dtype: x!.dtype };
  },
  emit: (step, emitter) => {
    const image = emitter.read(input(step.inputs, 'x'), channelsFirst);
    const attributes = { blocksize: step.attributes['blockSize'] as number, mode: 'DCR' };
    emitter.define(output(step), emitter.operator('DepthToSpace', [image], attributes), channelsFirst);
  },
};

export const images: KernelRules = {
  Conv2D: convolution,
  FusedConv2D: convolution,
  DepthwiseConv2dNative: depthwise,
  FusedDepthwiseConv2D: depthwise,
  Conv2DBackpropInput: transposedConvolution,
  AvgPool: pool('AveragePool', 'GlobalAveragePool'),
  MaxPool: pool('MaxPool', 'GlobalMaxPool'),
  ResizeNearestNeighbor: nearest,
  ResizeBilinear: bilinear,
  FusedBatchNorm: batchNorm,
  DepthToSpace: depthToSpace,
  GroupNorm: groupNorm,
};

/** Kernels that want images channels first. */
export const imageKernels: ReadonlySet<string> = new Set(
  Object.keys(images).filter((name) => name !== 'FusedBatchNorm'),
);
