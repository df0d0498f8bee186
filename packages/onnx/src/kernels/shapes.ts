import type { Emitter } from '../emit/emitter.ts';
import { arrange, plain } from '../emit/layout.ts';
import { isBatch, sameDim, sameDims, type Dim } from '../trace/dims.ts';
import { elementTypes } from '../model/model.ts';
import type { Attributes, Step, Value } from '../trace/graph.ts';
import { axisOf, axisOfInput, axisOfList, reversedAxes, slicedAxes } from './resolve.ts';
import { input, list, output, type KernelRule, type KernelRules } from './rule.ts';

/** The end of an axis, for `Slice`. */
const end = 2 ** 53;

/** Reshapes whose target is the inferred shape. */
function reshape(key: string, infer: KernelRule['infer']): KernelRule {
  return { infer, emit: (step, emitter) => emitter.reshaped(input(step.inputs, key), output(step)) };
}

/** A shape in which one length may be -1: what is left. */
function filled(shape: readonly number[], from: readonly number[]): number[] {
  const known = shape.filter((length) => length !== -1).reduce((a, b) => a * b, 1);
  return shape.map((length) => (length === -1 ? from.reduce((a, b) => a * b, 1) / known : length));
}

const transpose: KernelRule = {
  infer: ({ x }, { perm }) => ({ shape: (perm as number[]).map((axis) => x!.shape[axis]!), dtype: x!.dtype }),
  emit: (step, emitter) => {
    // Nothing moves: what was axis perm[i] is axis i now.
    const x = input(step.inputs, 'x');
    const perm = step.attributes['perm'] as number[];
    const layout = emitter.layoutOf(x);
    emitter.define(
      output(step),
      emitter.read(x, layout),
      layout.map((axis) => perm.indexOf(axis)),
    );
  },
};

const concat: KernelRule = {
  resolve: axisOfList(0),
  infer: (inputs, { axis }) => {
    const parts = list(inputs);
    const shape = [...parts[0]!.shape];
    shape[axis as number] = parts.reduce((sum, part) => sum + part.shape[axis as number]!, 0);
    return { shape, dtype: parts[0]!.dtype };
  },
  emit: (step, emitter) => {
    const parts = list(step.inputs);
    const layout = emitter.commonLayout(parts, output(step));
    const axis = layout.indexOf(step.attributes['axis'] as number);
    const names = parts.map((part) => emitter.read(part, layout));
    emitter.define(output(step), names.length === 1 ? names[0]! : emitter.operator('Concat', names, { axis }), layout);
  },
};

const pack: KernelRule = {
  resolve: axisOfList(1),
  infer: (inputs, { axis }) => {
    const parts = list(inputs);
    const shape = [...parts[0]!.shape];
    shape.splice(axis as number, 0, parts.length);
    return { shape, dtype: parts[0]!.dtype };
  },
  emit: (step, emitter) => {
    const axis = step.attributes['axis'] as number;
    const parts = list(step.inputs);
    // The parts stay as they lie; the new axis comes behind the one before it.
    const own = emitter.commonLayout(parts, parts[0]!);
    const place = axis === 0 ? 0 : own.indexOf(axis - 1) + 1;
    const names = parts.map((part) => {
      const lengths = arrange(part.shape, own);
      return emitter.reshape(emitter.read(part, own), lengths, lengths.toSpliced(place, 0, 1));
    });
    const layout = own.map((at) => (at < axis ? at : at + 1)).toSpliced(place, 0, axis);
    emitter.define(output(step), emitter.operator('Concat', names, { axis: place }), layout);
  },
};

const unpack: KernelRule = {
  resolve: axisOfInput('value'),
  infer: ({ value }, { axis }) => {
    const shape = value!.shape.filter((_, i) => i !== axis);
    return Array.from({ length: value!.shape[axis as number]! }, () => ({ shape, dtype: value!.dtype }));
  },
  emit: (step, emitter) => {
    const value = input(step.inputs, 'value');
    const axis = step.attributes['axis'] as number;
    step.outputs.forEach((result, i) => {
      const index = emitter.constant(BigInt64Array.of(BigInt(i)), [], 'int64');
      emitter.define(result, emitter.operator('Gather', [emitter.read(value), index], { axis }));
    });
  },
};

const split: KernelRule = {
  resolve: axisOfInput('x'),
  infer: ({ x }, { numOrSizeSplits, axis }) =>
    splitSizes(numOrSizeSplits, x!.shape[axis as number]!).map((length) => ({
      shape: x!.shape.map((own, i) => (i === axis ? length : own)),
      dtype: x!.dtype,
    })),
  emit: (step, emitter) => {
    const x = input(step.inputs, 'x');
    const axis = step.attributes['axis'] as number;
    const layout = emitter.layoutOf(x);
    const sizes = emitter.shape(step.outputs.map((part) => part.shape[axis]!));
    const names = emitter.operators(
      'Split',
      [emitter.read(x, layout), sizes],
      { axis: layout.indexOf(axis) },
      step.outputs.length,
    );
    step.outputs.forEach((part, i) => emitter.define(part, names[i]!, layout));
  },
};

function splitSizes(given: unknown, length: number): number[] {
  if (typeof given === 'number') return new Array<number>(given).fill(length / given);
  const sizes = given as number[];
  const known = sizes.filter((size) => size !== -1).reduce((a, b) => a + b, 0);
  return sizes.map((size) => (size === -1 ? length - known : size));
}

const slice: KernelRule = {
  resolve: slicedAxes,
  infer: ({ x }, { size }) => ({ shape: size as number[], dtype: x!.dtype }),
  emit: (step, emitter) => {
    const x = input(step.inputs, 'x');
    const layout = emitter.layoutOf(x);
    const begin = step.attributes['begin'] as Dim[];
    const cut = plain(x.shape.length).filter((axis) => !sameDim(x.shape[axis]!, output(step).shape[axis]!));
    if (cut.length === 0) return emitter.define(output(step), emitter.read(x, layout), layout);
    const starts = cut.map((axis) => begin[axis]!);
    const ends = cut.map((axis, i) => sum(starts[i]!, output(step).shape[axis]!));
    const axes = emitter.integers(cut.map((axis) => layout.indexOf(axis)));
    const inputs = [emitter.read(x, layout), emitter.shape(starts), emitter.shape(ends), axes];
    emitter.define(output(step), emitter.operator('Slice', inputs), layout);
  },
};

/** Sums of lengths of one kind. */
function sum(a: Dim, b: Dim): Dim {
  if (a === 0) return b;
  if (isBatch(a) && isBatch(b)) return { times: a.times + b.times };
  if (isBatch(a) || isBatch(b)) throw new Error('a slice that ends between two images');
  return a + b;
}

const stridedSlice: KernelRule = {
  infer: ({ x }, attributes) => {
    const shape = stridedAxes(x!.shape, attributes).map(({ length }) => length);
    return { shape: shape.filter((_, i) => !isSet(attributes['shrinkAxisMask'], i)), dtype: x!.dtype };
  },
  emit: (step, emitter) => {
    const x = input(step.inputs, 'x');
    const result = output(step).shape;
    const shrunk = plain(x.shape.length).filter((axis) => isSet(step.attributes['shrinkAxisMask'], axis));
    checkImages(x, step.attributes);
    // The images all pass.
    const axes = plain(x.shape.length).filter((axis) => !isBatch(x.shape[axis]!));
    const cut = stridedAxes(
      x.shape.map((dim) => (isBatch(dim) ? 1 : dim)),
      step.attributes,
    );
    const kept = x.shape.map((dim, axis): Dim => (isBatch(dim) ? dim : cut[axis]!.length));
    if (
      !sameDims(
        kept.filter((_, axis) => !shrunk.includes(axis)),
        result,
      )
    )
      throw new Error('a slice of the images');
    const all = (pick: (axis: StridedAxis) => number) => emitter.integers(axes.map((axis) => pick(cut[axis]!)));
    const name = emitter.operator('Slice', [
      emitter.read(x),
      all(({ from }) => from),
      all(({ to }) => to),
      emitter.integers(axes),
      all(({ stride }) => stride),
    ]);
    emitter.define(output(step), emitter.reshape(name, kept, result));
  },
};

/** How many images there are is not known, so they can only pass as they are. */
function checkImages(x: Value, { begin, end: ends, strides, beginMask, endMask, shrinkAxisMask }: Attributes): void {
  x.shape.forEach((dim, axis) => {
    if (!isBatch(dim)) return;
    const from = (begin as Dim[])[axis] ?? 0;
    const to = (ends as Dim[])[axis] ?? dim;
    const whole =
      ((strides as Dim[])[axis] ?? 1) === 1 &&
      (isSet(beginMask, axis) || from === 0) &&
      (isSet(endMask, axis) || sameDim(to, dim) || (!isBatch(to) && to >= endless));
    if (!whole || isSet(shrinkAxisMask, axis)) throw new Error('a slice of the images');
  });
}

/** What programs write for an end that is not known. */
const endless = 2 ** 31 - 1;

interface StridedAxis {
  from: number;
  to: number;
  stride: number;
  length: number;
}

/** NumPy's rule: negative positions count from the end, and masks open an end. */
function stridedAxes(shape: readonly number[], attributes: Step['attributes']): StridedAxis[] {
  const { begin, end: ends, strides, beginMask, endMask, shrinkAxisMask, ellipsisMask, newAxisMask } = attributes;
  if (ellipsisMask !== 0 || newAxisMask !== 0) throw new Error('a strided slice with an ellipsis or a new axis');
  return shape.map((size, i) => {
    const stride = (strides as number[])[i] ?? 1;
    const clamp = (value: number) => {
      const positive = value < 0 ? value + size : value;
      return stride > 0 ? Math.min(Math.max(positive, 0), size) : Math.min(Math.max(positive, -1), size - 1);
    };
    const first = stride > 0 ? 0 : size - 1;
    const last = stride > 0 ? size : -1;
    const from = isSet(beginMask, i) || (begin as number[])[i] === undefined ? first : clamp((begin as number[])[i]!);
    if (isSet(shrinkAxisMask, i)) return { from, to: from + 1, stride: 1, length: 1 };
    const to = isSet(endMask, i) || (ends as number[])[i] === undefined ? last : clamp((ends as number[])[i]!);
    // -1 would mean the last one.
    return { from, to: to < 0 ? -end : to, stride, length: Math.max(0, Math.ceil((to - from) / stride)) };
  });
}

function isSet(mask: unknown, bit: number): boolean {
  return (((mask as number | undefined) ?? 0) & (1 << bit)) !== 0;
}

const reverse: KernelRule = {
  resolve: reversedAxes,
  infer: ({ x }) => x!,
  emit: (step, emitter) => {
    const x = input(step.inputs, 'x');
    const layout = emitter.layoutOf(x);
    const axes = (step.attributes['dims'] as number[]).map((axis) => layout.indexOf(axis));
    const all = (value: number) => emitter.integers(axes.map(() => value));
    const inputs = [emitter.read(x, layout), all(-1), all(-end), emitter.integers(axes), all(-1)];
    emitter.define(output(step), axes.length === 0 ? inputs[0]! : emitter.operator('Slice', inputs), layout);
  },
};

function padding(mode: (step: Step) => string): KernelRule {
  return {
    infer: ({ x }, { paddings }) => ({
      shape: x!.shape.map((length, i) => length + (paddings as number[][])[i]![0]! + (paddings as number[][])[i]![1]!),
      dtype: x!.dtype,
    }),
    emit: (step, emitter) => {
      const x = input(step.inputs, 'x');
      const layout = emitter.layoutOf(x);
      const paddings = arrange(step.attributes['paddings'] as number[][], layout);
      const amounts = emitter.integers([
        ...paddings.map(([before]) => before!),
        ...paddings.map(([, after]) => after!),
      ]);
      const name = mode(step);
      const fill = (step.attributes['constantValue'] as number | undefined) ?? 0;
      const extra = name === 'constant' && fill !== 0 ? [numberLike(emitter, fill, x)] : [];
      emitter.define(
        output(step),
        emitter.operator('Pad', [emitter.read(x, layout), amounts, ...extra], { mode: name }),
        layout,
      );
    },
  };
}

function numberLike(emitter: Emitter, value: number, { dtype }: Value): string {
  return dtype === 'int32' ? emitter.constant(Int32Array.of(value), [], 'int32') : emitter.scalar(value);
}

/** TensorFlow's symmetric padding repeats the edge, which opset 17 has no mode for: slices of the image, put together. */
const mirrorPad: KernelRule = {
  ...padding(() => 'reflect'),
  emit: (step, emitter) => {
    if (step.attributes['mode'] === 'reflect') return padding(() => 'reflect').emit(step, emitter);
    const x = input(step.inputs, 'x');
    const layout = emitter.layoutOf(x);
    const paddings = arrange(step.attributes['paddings'] as number[][], layout);
    let name = emitter.read(x, layout);
    paddings.forEach(([before, after], axis) => {
      const mirrored = (from: number, count: number) =>
        emitter.operator('Slice', [
          name,
          emitter.integers([from]),
          emitter.integers([from === -1 ? -1 - count : from - count < 0 ? -end : from - count]),
          emitter.integers([axis]),
          emitter.integers([-1]),
        ]);
      const parts = [
        ...(before! > 0 ? [mirrored(before! - 1, before!)] : []),
        name,
        ...(after! > 0 ? [mirrored(-1, after!)] : []),
      ];
      if (parts.length > 1) name = emitter.operator('Concat', parts, { axis });
    });
    emitter.define(output(step), name, layout);
  },
};

const tile: KernelRule = {
  infer: ({ x }, { reps }) => ({
    shape: x!.shape.map((length, i) => length * (reps as number[])[i]!),
    dtype: x!.dtype,
  }),
  emit: (step, emitter) => {
    const x = input(step.inputs, 'x');
    const layout = emitter.layoutOf(x);
    const reps = arrange(step.attributes['reps'] as Dim[], layout);
    const name = emitter.read(x, layout);
    const once = reps.every((count) => count === 1);
    emitter.define(output(step), once ? name : emitter.operator('Tile', [name, emitter.shape(reps)]), layout);
  },
};

const gather: KernelRule = {
  resolve: axisOfInput('x'),
  infer: ({ x, indices }, { axis, batchDims }) => ({
    shape: [
      ...x!.shape.slice(0, axis as number),
      ...indices!.shape.slice((batchDims as number | undefined) ?? 0),
      ...x!.shape.slice((axis as number) + 1),
    ],
    dtype: x!.dtype,
  }),
  emit: (step, emitter) => {
    if ((step.attributes['batchDims'] ?? 0) !== 0) throw new Error('a gather with batch dimensions');
    const inputs = [emitter.read(input(step.inputs, 'x')), emitter.read(input(step.inputs, 'indices'))];
    emitter.define(output(step), emitter.operator('Gather', inputs, { axis: step.attributes['axis'] as number }));
  },
};

const oneHot: KernelRule = {
  infer: ({ indices }, { depth, dtype }) => ({
    shape: [...indices!.shape, depth as number],
    dtype: (dtype as 'float32' | undefined) ?? 'float32',
  }),
  emit: (step, emitter) => {
    // By comparison: a class that is none, such as -1, has a row of zeros, while ONNX's `OneHot` counts it from the end.
    const indices = input(step.inputs, 'indices');
    const { depth, onValue, offValue } = step.attributes as { depth: number; onValue: number; offValue: number };
    const column = emitter.reshape(emitter.read(indices), indices.shape, [...indices.shape, 1]);
    const classes = emitter.constant(
      Int32Array.from({ length: depth }, (_, i) => i),
      [depth],
      'int32',
    );
    const isClass = emitter.operator('Equal', [column, classes]);
    const to = elementTypes[output(step).dtype];
    if (onValue === 1 && offValue === 0)
      return emitter.define(output(step), emitter.operator('Cast', [isClass], { to }));
    const chosen = emitter.operator('Where', [isClass, emitter.scalar(onValue), emitter.scalar(offValue)]);
    emitter.define(output(step), emitter.operator('Cast', [chosen], { to }));
  },
};

export const shapes: KernelRules = {
  Reshape: reshape('x', ({ x }, { shape }) => ({ shape: filled(shape as number[], x!.shape), dtype: x!.dtype })),
  ExpandDims: reshape('input', ({ input: x }, { dim }) => {
    const shape = [...x!.shape];
    shape.splice(axisOf(dim, shape.length + 1), 0, 1);
    return { shape, dtype: x!.dtype };
  }),
  Transpose: transpose,
  Concat: concat,
  Pack: pack,
  Unpack: unpack,
  SplitV: split,
  Slice: slice,
  StridedSlice: stridedSlice,
  Reverse: reverse,
  PadV2: padding(() => 'constant'),
  MirrorPad: mirrorPad,
  Tile: tile,
  GatherV2: gather,
  OneHot: oneHot,
};

/** Kernels that leave the layout of an image as it is. */
export const layoutKeepers: ReadonlySet<string> = new Set([
  'Concat',
  'SplitV',
  'Slice',
  'PadV2',
  'MirrorPad',
  'Tile',
  'Reverse',
]);
