/** The part of onnx.proto3 that a model of this package needs, as plain objects. */

/** Numbers of the types of elements, as in onnx.proto3. */
export const elementTypes = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 } as const;

export type ElementType = keyof typeof elementTypes;

/** A constant tensor. */
export interface Initializer {
  name: string;
  dims: readonly number[];
  type: ElementType;
  /** Little endian, in rows. */
  bytes: Uint8Array;
}

export type Attribute = number | string | readonly number[] | { float: number };

export interface Node {
  operator: string;
  name: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}

/** An input or output: a length is a number or, where it can vary, a name. */
export interface Port {
  name: string;
  type: ElementType;
  dims: readonly (number | string)[];
}

export interface Model {
  name: string;
  /** Version of the set of operators. */
  opset: number;
  producer: string;
  producerVersion: string;
  description: string;
  metadata: Readonly<Record<string, string>>;
  inputs: readonly Port[];
  outputs: readonly Port[];
  nodes: readonly Node[];
  initializers: readonly Initializer[];
}
