import type * as tf from '@tensorflow/tfjs-core';
import { elementSize, type Attribute, type DataId, type HostValues } from './backend.ts';
import type { SourceLine } from './source-line.ts';

/** One output of one node. */
export interface Ref {
  node: number;
  output: number;
}

/** Shape, and TensorFlow's number of the type. */
export interface Signature {
  shape: number[];
  dtype: number;
}

/** Where a value that the graph reads comes from, at each run anew. */
export type Source =
  | { kind: 'argument'; index: number }
  | { kind: 'variable'; variable: tf.Variable }
  | { kind: 'captured'; dataId: DataId };

export interface InputNode extends Signature {
  kind: 'input';
  source: Source;
  line: SourceLine;
}

export interface ConstantNode extends Signature {
  kind: 'constant';
  values: HostValues;
  line: SourceLine;
}

export interface OperationNode {
  kind: 'operation';
  name: string;
  attributes: readonly Attribute[];
  inputs: readonly Ref[];
  outputs: Signature[];
  /** Whether it computes again what was computed before, to save memory: it must not begin before it is needed. */
  again?: boolean;
  line: SourceLine;
}

export type Node = InputNode | ConstantNode | OperationNode;

/** One call of a function, operation by operation. */
export interface Trace {
  nodes: Node[];
  /** What the function returned. */
  outputs: Ref[];
  /** Whether it returned an array, or a single tensor. */
  returnsArray: boolean;
  /** Variables that it assigned, with their last values. */
  assignments: { variable: tf.Variable; value: Ref }[];
  /** Data that the host made while recording, by node. */
  constants: ReadonlyMap<DataId, number>;
}

/** What a run of a trace has to give: what it returns, and what it assigns. */
export function results({ outputs, assignments }: Trace): Ref[] {
  return [...outputs, ...assignments.map(({ value }) => value)];
}

/** A reference as a key of maps. */
export function refKey({ node, output }: Ref): string {
  return `${node}:${output}`;
}

/** Shape and type of what a reference refers to. */
export function signatureOf(nodes: readonly Node[], { node, output }: Ref): Signature {
  const found = nodes[node]!;
  return found.kind === 'operation' ? found.outputs[output]! : found;
}

export function bytesOf({ shape, dtype }: Signature): number {
  return shape.reduce((product, size) => product * size, elementSize(dtype));
}
