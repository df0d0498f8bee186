import { plain } from '../emit/layout.ts';
import { elementTypes } from '../model/model.ts';
import type { Attributes } from '../trace/graph.ts';
import { axisOf, axisOfInput } from './resolve.ts';
import { input, output, type KernelRule, type KernelRules } from './rule.ts';
import { anything, bools, checkTypes, numbers } from './types.ts';

/** The axes of a reduction, rising; all where none are named. */
function axesOf({ axis, reductionIndices }: Attributes, rank: number): number[] {
  const given = axis ?? reductionIndices;
  if (given === undefined || given === null) return [...plain(rank)];
  const axes = Array.isArray(given) ? (given as number[]) : [given as number];
  return axes.map((axis) => axisOf(axis, rank)).sort((a, b) => a - b);
}

function without<T>(shape: readonly T[], axes: readonly number[], one: T | undefined): T[] {
  return shape.flatMap((length, axis) => (!axes.includes(axis) ? [length] : one === undefined ? [] : [one]));
}

/** A reduction over any axes. Its axes are an attribute, or since opset 13 an input where `byInput`. */
function reduction(operator: string, { byInput = false, bool = false, mean = false } = {}): KernelRule {
  return {
    infer: ({ x }, attributes) => {
      checkTypes([x!], bool ? bools : mean ? anything : numbers);
      const keep = attributes['keepDims'] === true ? 1 : undefined;
      return {
        shape: without(x!.shape, axesOf(attributes, x!.shape.length), keep),
        dtype: mean ? 'float32' : x!.dtype,
      };
    },
    emit: (step, emitter) => {
      const x = input(step.inputs, 'x');
      const result = output(step);
      const axes = axesOf(step.attributes, x.shape.length);
      const keep = step.attributes['keepDims'] === true;
      const layout = emitter.layoutOf(x);
      const places = axes.map((axis) => layout.indexOf(axis)).sort((a, b) => a - b);
      // The means of whole numbers are none.
      const to = bool ? elementTypes.int32 : mean && x.dtype !== 'float32' ? elementTypes.float32 : undefined;
      const number = (name: string) => (to === undefined ? name : emitter.operator('Cast', [name], { to }));
      const name = emitter.operator(
        operator,
        [number(emitter.read(x, layout)), ...(byInput ? [emitter.integers(places)] : [])],
        { keepdims: keep ? 1 : 0, ...(byInput ? {} : { axes: places }) },
      );
      // The axes that stay keep their order in memory.
      const rest = layout.filter((axis) => !axes.includes(axis));
      const renamed = rest.map((axis) => axis - axes.filter((gone) => gone < axis).length);
      emitter.define(
        result,
        bool ? emitter.operator('Cast', [name], { to: elementTypes.bool }) : name,
        keep ? layout : renamed,
      );
    },
  };
}

function argument(operator: 'ArgMax' | 'ArgMin'): KernelRule {
  return {
    infer: ({ x }, attributes) => {
      checkTypes([x!], numbers);
      return { shape: without(x!.shape, axesOf(attributes, x!.shape.length), undefined), dtype: 'int32' };
    },
    emit: (step, emitter) => {
      const x = input(step.inputs, 'x');
      const [axis] = axesOf(step.attributes, x.shape.length) as [number];
      const index = emitter.operator(operator, [emitter.read(x)], { axis, keepdims: 0 });
      emitter.define(output(step), emitter.operator('Cast', [index], { to: elementTypes.int32 }));
    },
  };
}

const cumulativeSum: KernelRule = {
  resolve: axisOfInput('x'),
  infer: ({ x }) => {
    checkTypes([x!], numbers);
    return x!;
  },
  emit: (step, emitter) => {
    const x = input(step.inputs, 'x');
    const { axis, exclusive, reverse } = step.attributes;
    const name = emitter.operator(
      'CumSum',
      [emitter.read(x), emitter.constant(BigInt64Array.of(BigInt(axis as number)), [], 'int64')],
      { exclusive: exclusive === true ? 1 : 0, reverse: reverse === true ? 1 : 0 },
    );
    emitter.define(output(step), name);
  },
};

export const reductions: KernelRules = {
  Sum: reduction('ReduceSum', { byInput: true }),
  Mean: reduction('ReduceMean', { mean: true }),
  Max: reduction('ReduceMax'),
  Min: reduction('ReduceMin'),
  Prod: reduction('ReduceProd'),
  All: reduction('ReduceMin', { bool: true }),
  Any: reduction('ReduceMax', { bool: true }),
  ArgMax: argument('ArgMax'),
  ArgMin: argument('ArgMin'),
  Cumsum: cumulativeSum,
};
