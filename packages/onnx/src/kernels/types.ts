import type { DataType } from '../trace/graph.ts';
import type { Signature } from './rule.ts';

/** Types that a rule has operators for. */
export type Types = readonly DataType[];

export const floats: Types = ['float32'];
export const numbers: Types = ['float32', 'int32'];
export const bools: Types = ['bool'];
export const anything: Types = ['float32', 'int32', 'bool'];

/**
 * Gives up on tensors of other types. ONNX has no operators for them, and what TensorFlow.js makes of such functions, like the
 * logarithm of integers or a sum of booleans, is another thing on each of its engines.
 */
export function checkTypes(signatures: Iterable<Signature>, types: Types): void {
  for (const { dtype } of signatures) {
    if (!types.includes(dtype)) throw new Error(`of ${dtype}, while it is written for ${types.join(' and ')}`);
  }
}
