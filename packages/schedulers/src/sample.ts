/** Numbers of a sample without a tensor library. */
export type NumberArray = Float32Array | Float64Array;

/** What this package uses of a TensorFlow.js tensor. */
export interface TensorLike {
  readonly shape: number[];
  readonly dtype: string;
  readonly size: number;
  dataSync(): ArrayLike<number>;
  dispose(): void;
}

/**
 * What schedulers compute on: a TensorFlow.js tensor (float32, the batch is the first axis, channels the last), or a plain
 * array. Model outputs, samples and noise of one call are of the same kind and shape.
 */
export type Sample = TensorLike | NumberArray;

/** A timestep: one for the whole batch, or one per batch item. */
export type Timestep = number | ArrayLike<number> | TensorLike;

/** The numbers of a timestep argument: a number stays one, everything else becomes an array. */
export function timestepNumbers(t: Timestep): number | Float64Array {
  if (typeof t === 'number') return t;
  const numbers = Float64Array.from(isTensor(t) ? t.dataSync() : t);
  return numbers.length === 1 ? numbers[0]! : numbers;
}

export function isTensor(value: unknown): value is TensorLike {
  return typeof value === 'object' && value !== null && 'dataSync' in value && 'shape' in value;
}

export function isNumberArray(value: unknown): value is NumberArray {
  return value instanceof Float32Array || value instanceof Float64Array;
}
