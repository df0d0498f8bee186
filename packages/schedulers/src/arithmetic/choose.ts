import { refuse } from '../errors.ts';
import { isNumberArray, isTensor, type Sample } from '../sample.ts';
import type { Arithmetic } from './arithmetic.ts';
import { ArrayArithmetic } from './arrays.ts';
import { TensorArithmetic } from './tensors.ts';

/** The arithmetic of a sample's kind. `shape` is for plain arrays, which have none of their own. */
export function arithmeticOf<A extends Sample>(sample: A, shape?: readonly number[]): Arithmetic<A> {
  // The two branches are the two kinds of `A`, which the compiler cannot tell apart behind a type parameter.
  if (isNumberArray(sample)) return new ArrayArithmetic(sample, shape) as unknown as Arithmetic<A>;
  if (isTensor(sample)) return new TensorArithmetic(sample) as unknown as Arithmetic<A>;
  return refuse({ argument: 'sample', value: sample, allowed: 'a tensor, a Float32Array or a Float64Array' });
}
