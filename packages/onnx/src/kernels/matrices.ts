import type { Emitter } from '../emit/emitter.ts';
import { plain, sameLayout } from '../emit/layout.ts';
import { sizeOf } from '../trace/dims.ts';
import type { Step, Value } from '../trace/graph.ts';
import { activate } from './elementwise.ts';
import { input, output, type KernelRule, type KernelRules } from './rule.ts';

/** Rows and columns in the other order. */
function swapped(rank: number): number[] {
  const layout = plain(rank).slice();
  [layout[rank - 2], layout[rank - 1]] = [rank - 1, rank - 2];
  return layout;
}

function emitProduct(step: Step, emitter: Emitter): void {
  const a = input(step.inputs, 'a');
  const b = input(step.inputs, 'b');
  const { transposeA, transposeB } = step.attributes;
  const { bias } = step.inputs;
  const result = output(step);
  const rank = result.shape.length;
  let name: string;
  if (rank === 2 && bias !== undefined && sizeOf(bias.shape).power === 0) {
    // Rows times a matrix plus a bias is one operator.
    const flags = { transA: transposeA === true ? 1 : 0, transB: transposeB === true ? 1 : 0 };
    name = emitter.operator('Gemm', [emitter.read(a), emitter.read(b), emitter.read(bias)], flags);
  } else {
    const matrix = (value: Value, transpose: unknown) =>
      emitter.read(value, transpose === true ? swapped(value.shape.length) : plain(value.shape.length));
    name = emitter.operator('MatMul', [matrix(a, transposeA), matrix(b, transposeB)]);
    if (bias !== undefined) name = emitter.operator('Add', [name, emitter.readBroadcast(bias, plain(rank))]);
  }
  emitter.define(result, activate(emitter, name, step, plain(rank)));
}

const product: KernelRule = {
  infer: ({ a, b }, { transposeA, transposeB }) => {
    const rows = a!.shape.at(transposeA === true ? -1 : -2)!;
    const columns = b!.shape.at(transposeB === true ? -2 : -1)!;
    const longer = a!.shape.length >= b!.shape.length ? a!.shape : b!.shape;
    const outer = longer
      .slice(0, -2)
      .map((length, i) => Math.max(length, (longer === a!.shape ? b! : a!).shape[i] ?? 1));
    return { shape: [...outer, rows, columns], dtype: a!.dtype };
  },
  emit: emitProduct,
};

/** `tf.einsum` of one or two tensors, whose notation ONNX has too. */
const einsum: KernelRule = {
  infer: (inputs, { equation }) => {
    const [terms, result] = (equation as string).replaceAll(' ', '').split('->') as [string, string];
    const lengths = new Map<string, number>();
    terms.split(',').forEach((term, i) => {
      [...term].forEach((letter, axis) => lengths.set(letter, inputs[i]!.shape[axis]!));
    });
    return { shape: [...result].map((letter) => lengths.get(letter)!), dtype: inputs[0]!.dtype };
  },
  emit: (step, emitter) => {
    const names = Object.values(step.inputs).map((value) => emitter.read(value));
    const equation = (step.attributes['equation'] as string).replaceAll(' ', '');
    emitter.define(output(step), emitter.operator('Einsum', names, { equation }));
  },
};

function softmax(operator: 'Softmax' | 'LogSoftmax', key: string): KernelRule {
  return {
    infer: (inputs) => inputs[key]!,
    emit: (step, emitter) => {
      const x = input(step.inputs, key);
      const last = x.shape.length - 1;
      const layout = emitter.layoutOf(x);
      // Over the last axis in memory; another one would be brought there by the runtime, and back.
      const own = layout.at(-1) === last || sameLayout(layout, plain(last + 1)) ? layout : plain(last + 1);
      emitter.define(
        output(step),
        emitter.operator(operator, [emitter.read(x, own)], { axis: own.indexOf(last) }),
        own,
      );
    },
  };
}

export const matrices: KernelRules = {
  BatchMatMul: product,
  _FusedMatMul: product,
  Einsum: einsum,
  Softmax: softmax('Softmax', 'logits'),
  LogSoftmax: softmax('LogSoftmax', 'logits'),
};
