import type { Dims } from './dims.ts';

export type DataType = 'float32' | 'int32' | 'bool';

/** Where in the model an operation stands. */
export interface Place {
  /** Path of the module that ran it, for example `down.0.stage.block.f.conv1`; empty outside of modules. */
  readonly module: string;
  /** `file:line` of the program, asked for when a message needs it. */
  line(): string;
}

/** What a kernel is told besides tensors. */
export type Attributes = Readonly<Record<string, unknown>>;

/** Values and constants of a host, in rows (the last axis varies fastest). */
export type Numbers = Float32Array | Int32Array | Uint8Array;

interface Typed<Shape> {
  readonly dtype: DataType;
  readonly shape: Shape;
}

export interface InputValue<Shape> extends Typed<Shape> {
  readonly kind: 'input';
  readonly name: string;
}

export interface ConstantValue<Shape> extends Typed<Shape> {
  readonly kind: 'constant';
  /** Its numbers; those of one image where the shape grows with the batch, repeated along the growing axes. */
  readonly numbers: Numbers;
}

export interface ComputedValue<Shape> extends Typed<Shape> {
  readonly kind: 'computed';
}

/** A tensor of the traced function. */
export type Value<Shape = Dims> = InputValue<Shape> | ConstantValue<Shape> | ComputedValue<Shape>;

/** One kernel of the traced function. */
export interface Step<V = Value> {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, V>>;
  readonly attributes: Attributes;
  readonly outputs: readonly V[];
  readonly place: Place;
}

/** One call of a function, kernel by kernel, in the order in which they ran. */
export interface Graph {
  inputs: InputValue<Dims>[];
  steps: Step[];
  outputs: Value[];
}

export function describePlace({ module, line }: Place): string {
  return module === '' ? line() : `\`${module}\` (${line()})`;
}
