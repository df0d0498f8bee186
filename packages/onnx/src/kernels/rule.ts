import type { Emitter } from '../emit/emitter.ts';
import type { Attributes, DataType, Step, Value } from '../trace/graph.ts';

/** Shape and type of a tensor while a function is traced. */
export interface Signature {
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/** Tensors that a kernel reads, by the names that TensorFlow.js gives them. */
export type Signatures = Readonly<Record<string, Signature>>;

/** What has to be known of a kernel of TensorFlow.js to trace it and to write it down in ONNX's operators. */
export interface KernelRule {
  /** Its attributes with nothing left to convention, such as axes counted from the end; default as they are. */
  resolve?(inputs: Signatures, attributes: Attributes): Attributes;
  /** What it gives for inputs of these shapes. An array where the kernel returns an array. */
  infer(inputs: Signatures, attributes: Attributes): Signature | Signature[];
  /** Writes the operators of one call. */
  emit(step: Step, emitter: Emitter): void;
}

export type KernelRules = Readonly<Record<string, KernelRule>>;

/** An input of a kernel that always has it. */
export function input<V>(inputs: Readonly<Record<string, V>>, name: string): V {
  const found = inputs[name];
  if (found === undefined) throw new Error(`a kernel was called without its input ${name}`);
  return found;
}

/** The inputs of kernels that take a list. */
export function list<V>(inputs: Readonly<Record<string, V>>): V[] {
  return Object.keys(inputs)
    .filter((key) => /^\d+$/.test(key))
    .map((key) => inputs[key]!);
}

/** The first output of a step. */
export function output(step: Step): Value {
  return step.outputs[0]!;
}
