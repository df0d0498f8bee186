import type * as tf from '@tensorflow/tfjs-core';
import type { Module } from './module.ts';

/** One call of a layer while a model was run under `recordCalls`. */
export interface LayerCall {
  layer: Module;
  outputShape: number[];
  /** Multiply-adds by the convention of `thop`: convolutions without bias, linear layers, and little else. */
  operations: number;
}

let calls: LayerCall[] | undefined;

/** Reports a call of a layer and passes its output on. Layers call it at the end of their forward function. */
export function recorded<T extends tf.Tensor>(layer: Module, output: T, operations: number): T {
  calls?.push({ layer, outputShape: [...output.shape], operations });
  return output;
}

/** Runs `run` and returns every call of a layer in it, in order; a layer that runs four times is there four times. */
export function recordCalls(run: () => void): LayerCall[] {
  const outer = calls;
  const own: LayerCall[] = [];
  calls = own;
  try {
    run();
  } finally {
    calls = outer;
  }
  return own;
}
