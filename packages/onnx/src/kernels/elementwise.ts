import type { Emitter } from '../emit/emitter.ts';
import type { DataType, Step, Value } from '../trace/graph.ts';
import { input, list, output, type KernelRule, type KernelRules, type Signature } from './rule.ts';

/** What an operation writes for tensors of one layout. */
type Write = (emitter: Emitter, inputs: string[], step: Step) => string;

/** An operation on each number of one tensor. */
function unary(write: Write, dtype?: DataType): KernelRule {
  return {
    infer: ({ x }) => ({ shape: x!.shape, dtype: dtype ?? x!.dtype }),
    emit: (step, emitter) => {
      const x = input(step.inputs, 'x');
      const layout = emitter.layoutOf(x);
      emitter.define(output(step), write(emitter, [emitter.read(x, layout)], step), layout);
    },
  };
}

/** An operation on the numbers of two tensors, broadcast to each other. */
function binary(write: Write, dtype?: DataType): KernelRule {
  return {
    infer: ({ a, b }) => ({ shape: broadcast(a!, b!), dtype: dtype ?? a!.dtype }),
    emit: (step, emitter) => emitBroadcast(step, [input(step.inputs, 'a'), input(step.inputs, 'b')], emitter, write),
  };
}

function emitBroadcast(step: Step, inputs: Value[], emitter: Emitter, write: Write): void {
  const layout = emitter.commonLayout(inputs, output(step));
  const names = inputs.map((value) => emitter.readBroadcast(value, layout));
  emitter.define(output(step), write(emitter, names, step), layout);
}

function broadcast(...signatures: Signature[]): number[] {
  const rank = Math.max(...signatures.map(({ shape }) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const lengths = signatures.map(({ shape }) => shape[axis - rank + shape.length] ?? 1);
    return lengths.find((length) => length !== 1) ?? 1;
  });
}

/** An operator of the same name, or of this name. */
const same =
  (operator: string, attributes: Parameters<Emitter['operator']>[2] = {}): Write =>
  (emitter, inputs) =>
    emitter.operator(operator, inputs, attributes);

/** Two operators, one after the other. */
const then =
  (first: string, second: string): Write =>
  (emitter, inputs) =>
    emitter.operator(second, [emitter.operator(first, inputs)]);

/** A number of the type of a tensor. */
function like(emitter: Emitter, value: number, { dtype }: Value): string {
  return dtype === 'int32' ? emitter.constant(Int32Array.of(value), [], 'int32') : emitter.scalar(value);
}

const floorDivide: Write = (emitter, inputs, step) => {
  if (output(step).dtype !== 'int32') return emitter.operator('Floor', [emitter.operator('Div', inputs)]);
  // ONNX divides integers towards zero.
  const floats = inputs.map((name) => emitter.operator('Cast', [name], { to: 1 }));
  return emitter.operator('Cast', [emitter.operator('Floor', [emitter.operator('Div', floats)])], { to: 6 });
};

/** Numbers of the types for `Cast`. */
const castTypes: Readonly<Record<string, number>> = { float32: 1, int32: 6, bool: 9 };

/** The activation that is fused into a kernel, by TensorFlow.js' name; ONNX has them as operators of their own. */
export function activate(
  emitter: Emitter,
  name: string,
  { attributes, inputs }: Step,
  layout: readonly number[],
): string {
  switch (attributes['activation'] ?? 'linear') {
    case 'linear':
      return name;
    case 'relu':
      return emitter.operator('Relu', [name]);
    case 'relu6':
      return emitter.operator('Clip', [name, emitter.scalar(0), emitter.scalar(6)]);
    case 'sigmoid':
      return emitter.operator('Sigmoid', [name]);
    case 'elu':
      return emitter.operator('Elu', [name]);
    case 'leakyrelu':
      return emitter.operator('LeakyRelu', [name], { alpha: { float: attributes['leakyreluAlpha'] as number } });
    default:
      return emitter.operator('PRelu', [name, emitter.readBroadcast(input(inputs, 'preluActivationWeights'), layout)]);
  }
}

export const elementwise: KernelRules = {
  Abs: unary(same('Abs')),
  Acos: unary(same('Acos')),
  Acosh: unary(same('Acosh')),
  Asin: unary(same('Asin')),
  Asinh: unary(same('Asinh')),
  Atan: unary(same('Atan')),
  Atanh: unary(same('Atanh')),
  Ceil: unary(same('Ceil')),
  Cos: unary(same('Cos')),
  Cosh: unary(same('Cosh')),
  Elu: unary(same('Elu')),
  Erf: unary(same('Erf')),
  Exp: unary(same('Exp')),
  Expm1: unary((emitter, [x]) => emitter.operator('Sub', [emitter.operator('Exp', [x!]), emitter.scalar(1)])),
  Floor: unary(same('Floor')),
  Log: unary(same('Log')),
  Log1p: unary((emitter, [x]) => emitter.operator('Log', [emitter.operator('Add', [x!, emitter.scalar(1)])])),
  LogicalNot: unary(same('Not')),
  Neg: unary(same('Neg')),
  Reciprocal: unary(same('Reciprocal')),
  Relu: unary(same('Relu')),
  Relu6: unary((emitter, [x]) => emitter.operator('Clip', [x!, emitter.scalar(0), emitter.scalar(6)])),
  Round: unary(same('Round')),
  Rsqrt: unary(then('Sqrt', 'Reciprocal')),
  Selu: unary(same('Selu')),
  Sigmoid: unary(same('Sigmoid')),
  Sign: unary(same('Sign')),
  Sin: unary(same('Sin')),
  Sinh: unary(same('Sinh')),
  Softplus: unary(same('Softplus')),
  Sqrt: unary(same('Sqrt')),
  Square: unary((emitter, [x]) => emitter.operator('Mul', [x!, x!])),
  Tan: unary(same('Tan')),
  Tanh: unary(same('Tanh')),
  IsNan: unary(same('IsNaN'), 'bool'),
  IsInf: unary(same('IsInf'), 'bool'),
  IsFinite: unary((emitter, [x]) => {
    const bad = emitter.operator('Or', [emitter.operator('IsNaN', [x!]), emitter.operator('IsInf', [x!])]);
    return emitter.operator('Not', [bad]);
  }, 'bool'),
  Identity: unary((_, [x]) => x!),
  LeakyRelu: unary((emitter, inputs, { attributes }) =>
    emitter.operator('LeakyRelu', inputs, { alpha: { float: attributes['alpha'] as number } }),
  ),
  ClipByValue: unary((emitter, [x], step) => {
    const { attributes } = step;
    const bound = (name: string) => like(emitter, attributes[name] as number, output(step));
    return emitter.operator('Clip', [x!, bound('clipValueMin'), bound('clipValueMax')]);
  }),
  Step: unary((emitter, [x], { attributes }) => {
    const above = emitter.operator('Greater', [x!, emitter.scalar(0)]);
    return emitter.operator('Where', [above, emitter.scalar(1), emitter.scalar(attributes['alpha'] as number)]);
  }),
  ZerosLike: unary((emitter, [x], step) => emitter.operator('Mul', [x!, like(emitter, 0, output(step))])),
  OnesLike: unary((emitter, [x], step) => {
    const zeros = emitter.operator('Mul', [x!, like(emitter, 0, output(step))]);
    return emitter.operator('Add', [zeros, like(emitter, 1, output(step))]);
  }),
  Cast: {
    infer: ({ x }, { dtype }) => ({ shape: x!.shape, dtype: dtype as DataType }),
    emit: (step, emitter) => {
      const x = input(step.inputs, 'x');
      const layout = emitter.layoutOf(x);
      const name = emitter.read(x, layout);
      const to = output(step).dtype;
      emitter.define(
        output(step),
        x.dtype === to ? name : emitter.operator('Cast', [name], { to: castTypes[to]! }),
        layout,
      );
    },
  },

  Add: binary(same('Add')),
  Sub: binary(same('Sub')),
  Multiply: binary(same('Mul')),
  RealDiv: binary(same('Div')),
  FloorDiv: binary(floorDivide),
  Maximum: binary(same('Max')),
  Minimum: binary(same('Min')),
  Mod: binary((emitter, [a, b], step) => {
    // With the sign of the divisor, which ONNX has for integers only.
    const whole = floorDivide(emitter, [a!, b!], step);
    return emitter.operator('Sub', [a!, emitter.operator('Mul', [whole, b!])]);
  }),
  Pow: binary(same('Pow')),
  SquaredDifference: binary((emitter, inputs) => {
    const difference = emitter.operator('Sub', inputs);
    return emitter.operator('Mul', [difference, difference]);
  }),
  Equal: binary(same('Equal'), 'bool'),
  NotEqual: binary(then('Equal', 'Not'), 'bool'),
  Greater: binary(same('Greater'), 'bool'),
  GreaterEqual: binary(same('GreaterOrEqual'), 'bool'),
  Less: binary(same('Less'), 'bool'),
  LessEqual: binary(same('LessOrEqual'), 'bool'),
  LogicalAnd: binary(same('And'), 'bool'),
  LogicalOr: binary(same('Or'), 'bool'),
  Prelu: {
    infer: ({ x }) => x!,
    emit: (step, emitter) =>
      emitBroadcast(step, [input(step.inputs, 'x'), input(step.inputs, 'alpha')], emitter, same('PRelu')),
  },
  Select: {
    infer: ({ condition, t, e }) => ({ shape: broadcast(condition!, t!, e!), dtype: t!.dtype }),
    emit: (step, emitter) => {
      const inputs = ['condition', 't', 'e'].map((name) => input(step.inputs, name));
      emitBroadcast(step, inputs, emitter, same('Where'));
    },
  },
  AddN: {
    infer: (inputs) => list(inputs)[0]!,
    emit: (step, emitter) => emitBroadcast(step, list(step.inputs), emitter, same('Sum')),
  },
};
