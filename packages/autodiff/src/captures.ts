import type * as tf from '@tensorflow/tfjs-core';
import { capturedOn, freeTape, owned, recordTape, tidy } from './tape.ts';
import { treeMap, type TensorTree } from './tree.ts';

/**
 * Runs `run` off the caller's tape and finds the float32 tensors that it closes over: those it reads, without having
 * made them, that are still there afterwards. Variables count.
 *
 * @param known tensors that are not to be reported, such as the arguments.
 */
export function withCaptures<T extends TensorTree>(
  run: () => T,
  known: readonly tf.Tensor[] = [],
): { value: T; captured: tf.Tensor[] } {
  const { value, tape } = recordTape(() => tidy(() => treeMap(run(), owned)));
  const captured = capturedOn(tape, known);
  freeTape(tape);
  return { value, captured };
}
