import type { Emitter } from '../emit/emitter.ts';
import { arrange } from '../emit/layout.ts';
import { elementTypes } from '../model/model.ts';
import type { DataType, Step, Value } from '../trace/graph.ts';
import { input, list, output, type KernelRule, type KernelRules, type Signature } from './rule.ts';
import { anything, bools, checkTypes, floats, numbers, type Types } from './types.ts';

/** What an operation writes for tensors of one layout. */
type Write = (emitter: Emitter, inputs: string[], step: Step) => string;

interface TypesOf {
  /** Of the inputs. */
  takes?: Types;
  /** Of the result; default that of the (first) input. */
  gives?: DataType;
}

/** An operation on each number of one tensor. */
function unary(write: Write, { takes = floats, gives }: TypesOf = {}): KernelRule {
  return {
    infer: ({ x }) => {
      checkTypes([x!], takes);
      return { shape: x!.shape, dtype: gives ?? x!.dtype };
    },
    emit: (step, emitter) => {
      const x = input(step.inputs, 'x');
      const layout = emitter.layoutOf(x);
      emitter.define(output(step), write(emitter, [emitter.read(x, layout)], step), layout);
    },
  };
}

/** An operation on the numbers of two tensors, broadcast to each other. */
function binary(write: Write, { takes = numbers, gives }: TypesOf = {}): KernelRule {
  return {
    infer: ({ a, b }) => {
      checkTypes([a!, b!], takes);
      return { shape: broadcast(a!, b!), dtype: gives ?? a!.dtype };
    },
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
  if (dtype === 'bool') return emitter.constant(Uint8Array.of(value), [], 'bool');
  return dtype === 'int32' ? emitter.constant(Int32Array.of(value), [], 'int32') : emitter.scalar(value);
}

/** A tensor of the shape of another, whose numbers count for nothing: 0 · NaN would be NaN. */
function filled(value: number): KernelRule {
  return {
    infer: ({ x }) => x!,
    emit: (step, emitter) => {
      const x = input(step.inputs, 'x');
      const layout = emitter.layoutOf(x);
      const shape = emitter.shape(arrange(x.shape, layout));
      emitter.define(output(step), emitter.operator('Expand', [like(emitter, value, x), shape]), layout);
    },
  };
}

/** Integers as the floating-point numbers that the function gives for them. */
const ofFloats =
  (write: Write): Write =>
  (emitter, [x], step) => {
    const isFloat = input(step.inputs, 'x').dtype === 'float32';
    return write(emitter, [isFloat ? x! : emitter.operator('Cast', [x!], { to: elementTypes.float32 })], step);
  };

/**
 * For |x| < 1 (Kahan) `near`, and x itself where the 1 has swallowed it (`difference` is 0); `far` elsewhere, where nothing
 * cancels and infinities pass.
 */
function aroundZero(emitter: Emitter, x: string, difference: string, near: string, far: string): string {
  const swallowed = emitter.operator('Equal', [difference, emitter.scalar(0)]);
  const isNear = emitter.operator('Less', [emitter.operator('Abs', [x]), emitter.scalar(1)]);
  return emitter.operator('Where', [isNear, emitter.operator('Where', [swallowed, x, near]), far]);
}

/** e^x - 1 as (u - 1) · x / ln u with u = e^x, whose rounding errors cancel. */
const exponentialMinusOne: Write = (emitter, [x]) => {
  const power = emitter.operator('Exp', [x!]);
  const difference = emitter.operator('Sub', [power, emitter.scalar(1)]);
  const ratio = emitter.operator('Div', [x!, emitter.operator('Log', [power])]);
  return aroundZero(emitter, x!, difference, emitter.operator('Mul', [difference, ratio]), difference);
};

/** ln(1 + x) as ln u · x / (u - 1) with u = 1 + x, whose rounding errors cancel. */
const logarithmOfOnePlus: Write = (emitter, [x]) => {
  const sum = emitter.operator('Add', [x!, emitter.scalar(1)]);
  const difference = emitter.operator('Sub', [sum, emitter.scalar(1)]);
  const logarithm = emitter.operator('Log', [sum]);
  const near = emitter.operator('Mul', [logarithm, emitter.operator('Div', [x!, difference])]);
  return aroundZero(emitter, x!, difference, near, logarithm);
};

const floorDivide: Write = (emitter, inputs, step) => {
  if (output(step).dtype !== 'int32') return emitter.operator('Floor', [emitter.operator('Div', inputs)]);
  // ONNX divides integers towards zero.
  const pair = inputs.map((name) => emitter.operator('Cast', [name], { to: elementTypes.float32 }));
  const quotient = emitter.operator('Floor', [emitter.operator('Div', pair)]);
  return emitter.operator('Cast', [quotient], { to: elementTypes.int32 });
};

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
  Abs: unary(same('Abs'), { takes: numbers }),
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
  Exp: unary(ofFloats(same('Exp')), { takes: numbers, gives: 'float32' }),
  Expm1: unary(exponentialMinusOne),
  Floor: unary(same('Floor')),
  Log: unary(same('Log')),
  Log1p: unary(logarithmOfOnePlus),
  LogicalNot: unary(same('Not'), { takes: bools }),
  Neg: unary(same('Neg'), { takes: numbers }),
  Reciprocal: unary(same('Reciprocal')),
  Relu: unary(same('Relu'), { takes: numbers }),
  Relu6: unary(
    (emitter, [x], step) => {
      const bounds = [0, 6].map((value) => like(emitter, value, output(step)));
      return emitter.operator('Clip', [x!, ...bounds]);
    },
    { takes: numbers },
  ),
  Round: unary(same('Round')),
  Rsqrt: unary(then('Sqrt', 'Reciprocal')),
  Selu: unary(same('Selu')),
  Sigmoid: unary(same('Sigmoid')),
  Sign: unary(same('Sign'), { takes: numbers }),
  Sin: unary(same('Sin')),
  Sinh: unary(same('Sinh')),
  Softplus: unary(same('Softplus')),
  Sqrt: unary(same('Sqrt')),
  Square: unary((emitter, [x]) => emitter.operator('Mul', [x!, x!]), { takes: numbers }),
  Tan: unary(same('Tan')),
  Tanh: unary(same('Tanh')),
  IsNan: unary(same('IsNaN'), { gives: 'bool' }),
  IsInf: unary(same('IsInf'), { gives: 'bool' }),
  IsFinite: unary(
    (emitter, [x]) => {
      const bad = emitter.operator('Or', [emitter.operator('IsNaN', [x!]), emitter.operator('IsInf', [x!])]);
      return emitter.operator('Not', [bad]);
    },
    { gives: 'bool' },
  ),
  Identity: unary((_, [x]) => x!, { takes: anything }),
  LeakyRelu: unary(
    ofFloats((emitter, inputs, { attributes }) =>
      emitter.operator('LeakyRelu', inputs, { alpha: { float: attributes['alpha'] as number } }),
    ),
    { takes: numbers, gives: 'float32' },
  ),
  ClipByValue: unary(
    (emitter, [x], step) => {
      const { attributes } = step;
      const bound = (name: string) => like(emitter, attributes[name] as number, output(step));
      return emitter.operator('Clip', [x!, bound('clipValueMin'), bound('clipValueMax')]);
    },
    { takes: numbers },
  ),
  Step: unary(
    (emitter, [x], step) => {
      const number = (value: number) => like(emitter, value, output(step));
      const above = emitter.operator('Greater', [x!, number(0)]);
      return emitter.operator('Where', [above, number(1), number(step.attributes['alpha'] as number)]);
    },
    { takes: numbers },
  ),
  ZerosLike: filled(0),
  OnesLike: filled(1),
  Cast: {
    infer: ({ x }, { dtype }) => ({ shape: x!.shape, dtype: dtype as DataType }),
    emit: (step, emitter) => {
      const x = input(step.inputs, 'x');
      const layout = emitter.layoutOf(x);
      const name = emitter.read(x, layout);
      const to = output(step).dtype;
      emitter.define(
        output(step),
        x.dtype === to ? name : emitter.operator('Cast', [name], { to: elementTypes[to] }),
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
  Equal: binary(same('Equal'), { takes: anything, gives: 'bool' }),
  NotEqual: binary(then('Equal', 'Not'), { takes: anything, gives: 'bool' }),
  Greater: binary(same('Greater'), { gives: 'bool' }),
  GreaterEqual: binary(same('GreaterOrEqual'), { gives: 'bool' }),
  Less: binary(same('Less'), { gives: 'bool' }),
  LessEqual: binary(same('LessOrEqual'), { gives: 'bool' }),
  LogicalAnd: binary(same('And'), { takes: bools, gives: 'bool' }),
  LogicalOr: binary(same('Or'), { takes: bools, gives: 'bool' }),
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
    infer: (inputs) => {
      checkTypes(list(inputs), floats);
      return list(inputs)[0]!;
    },
    emit: (step, emitter) => emitBroadcast(step, list(step.inputs), emitter, same('Sum')),
  },
};
