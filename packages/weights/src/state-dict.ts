import { invalidArgument } from '@missing-u/errors';
import { decode, dtypes, type DType, type NumberArray } from './dtypes.ts';
import { WeightsError } from './errors.ts';

/**
 * One array of a state dict, in C order. `dtype` is how it is stored in a file; `data` is what JavaScript has for it:
 * float16, bfloat16 and the float8 kinds are held as a `Float32Array`, bool as a `Uint8Array` of 0 and 1.
 */
export interface StateTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: NumberArray;
}

/** Names and arrays of a model, as PyTorch's `state_dict()`. */
export type StateDict = Record<string, StateTensor>;

/** The numbers as float32, whatever the dtype; shares the memory where they are float32 already. */
export function toFloat32(tensor: StateTensor): Float32Array<ArrayBuffer> {
  if (tensor.data instanceof Float32Array) return tensor.data;
  if (!(tensor.data instanceof BigInt64Array || tensor.data instanceof BigUint64Array))
    return new Float32Array(tensor.data);
  return Float32Array.from(tensor.data, Number);
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Little-endian bytes to a state tensor; shares the memory of `bytes` where its alignment allows. */
export function tensorFromBytes(dtype: DType, shape: readonly number[], bytes: Uint8Array<ArrayBuffer>): StateTensor {
  return { dtype, shape, data: decode(dtype, bytes) };
}

/** Refuses what is no state dict, and one with a tensor whose parts contradict each other. */
export function checkStateDict(dict: StateDict): void {
  if (typeof dict !== 'object' || (dict as unknown) === null) {
    const bad = { argument: 'dict', value: dict, allowed: 'a record of names to { dtype, shape, data }' };
    throw new WeightsError('WEIGHTS_BAD_TENSOR', invalidArgument(bad));
  }
  for (const [name, tensor] of Object.entries(dict)) checkTensor(name, tensor);
}

/** Refuses a state tensor whose parts contradict each other. */
export function checkTensor(name: string, tensor: StateTensor): void {
  if (typeof tensor !== 'object' || (tensor as unknown) === null) {
    const bad = { argument: name, value: tensor, allowed: '{ dtype, shape, data }' };
    throw new WeightsError('WEIGHTS_BAD_TENSOR', invalidArgument(bad));
  }
  const { dtype, shape, data } = tensor;
  if (!Object.hasOwn(dtypes, dtype)) {
    throw new WeightsError(
      'WEIGHTS_BAD_TENSOR',
      invalidArgument({ argument: `${name}.dtype`, value: dtype, allowed: `one of ${Object.keys(dtypes).join(', ')}` }),
    );
  }
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new WeightsError(
      'WEIGHTS_BAD_TENSOR',
      invalidArgument({ argument: `${name}.shape`, value: shape, allowed: 'a list of integers of 0 or more' }),
    );
  }
  const kind = dtypes[dtype].array;
  if (!(data instanceof kind) || data.length !== sizeOf(shape)) {
    throw new WeightsError(
      'WEIGHTS_BAD_TENSOR',
      `\`${name}.data\` is ${data?.constructor.name} of length ${data?.length}, but dtype ${dtype} and shape [${shape.join(', ')}] ` +
        `ask for ${kind.name} of length ${sizeOf(shape)}.`,
    );
  }
}
