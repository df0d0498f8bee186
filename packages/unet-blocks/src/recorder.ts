import type * as tf from '@tensorflow/tfjs-core';
import type { Module } from './module.ts';

/** One call of a layer while a model was run under `recordCalls`. */
export interface LayerCall {
  layer: Module;
  outputShape: number[];
  /** Multiply-adds by the convention of `thop`: convolutions without bias, linear layers, and little else. */
  operations: number;
}

/** Looks at what a layer gave, while it is there. */
export type LayerVisitor = (layer: Module, output: tf.Tensor) => void;

let calls: LayerCall[] | undefined;
let visitor: LayerVisitor | undefined;

/** Reports a call of a layer and passes its output on. Layers call it at the end of their forward function. */
export function recorded<T extends tf.Tensor>(layer: Module, output: T, operations: number): T {
  calls?.push({ layer, outputShape: [...output.shape], operations });
  visitor?.(layer, output);
  return output;
}

/**
 * Runs `run` and returns every call of a layer in it, in order; a layer that runs four times is there four times. `visit` sees
 * each output as it comes.
 */
export function recordCalls(run: () => void, visit?: LayerVisitor): LayerCall[] {
  const outer = { calls, visitor };
  const own: LayerCall[] = [];
  calls = own;
  visitor = visit;
  try {
    run();
  } finally {
    ({ calls, visitor } = outer);
  }
  return own;
}
