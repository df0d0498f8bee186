import { decode, dtypes, type DType, type NumberArray } from '../dtypes.ts';
import { WeightsError } from '../errors.ts';
import { contiguousStrides, gather } from '../permute.ts';
import { sizeOf, type StateTensor } from '../state-dict.ts';

/** One block of memory of a PyTorch file; several tensors may lie in it. Its bytes come after the pickle that names it. */
export class Storage {
  bytes: Uint8Array<ArrayBuffer> | undefined;
  readonly #decoded = new Map<DType, NumberArray>();

  constructor(
    readonly key: string,
    readonly byteLength: number,
  ) {}

  /** All of it as numbers of a dtype, made once, so that tensors that share a storage share it here too. */
  as(dtype: DType): NumberArray {
    let numbers = this.#decoded.get(dtype);
    if (numbers === undefined) {
      if (this.bytes?.byteLength !== this.byteLength) {
        throw broken(
          `the data of storage '${this.key}' have ${this.bytes?.byteLength ?? 0} bytes instead of ${this.byteLength}`,
        );
      }
      const whole = this.byteLength - (this.byteLength % dtypes[dtype].bytes);
      numbers = decode(dtype, this.bytes.subarray(0, whole));
      this.#decoded.set(dtype, numbers);
    }
    return numbers;
  }
}

/** A storage as the pickle gives it to a tensor: its dtype, and, in files of the first versions, where in its parent it begins. */
export class TypedStorage {
  constructor(
    readonly storage: Storage,
    readonly dtype: DType | undefined,
    readonly offset = 0,
  ) {}
}

/** A tensor while the data are still to come; `fill` makes it a `StateTensor`. */
export class TorchTensor implements StateTensor {
  data: NumberArray = new Uint8Array(0);
  readonly #strides: readonly number[];
  readonly #offset: number;

  constructor(
    readonly storage: Storage,
    readonly dtype: DType,
    offset: number,
    readonly shape: readonly number[],
    strides: readonly number[],
    /** Whether the numbers are stored with the opposite sign, as PyTorch's lazily negated views are. */
    readonly negated = false,
  ) {
    const sizes = [offset, ...shape, ...strides];
    if (strides.length !== shape.length || !sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) {
      throw broken(`a tensor with shape [${shape.join(', ')}], strides [${strides.join(', ')}] and offset ${offset}`);
    }
    const last = shape.reduce((index, size, axis) => index + (size - 1) * strides[axis]!, offset);
    if (sizeOf(shape) > 0 && (last + 1) * dtypes[dtype].bytes > storage.byteLength) {
      throw broken(
        `a tensor of shape [${shape.join(', ')}] reaches beyond its storage '${storage.key}' of ${storage.byteLength} bytes`,
      );
    }
    this.#strides = strides;
    this.#offset = offset;
  }

  /** Whether the data lie in the storage as they are, in C order without gaps, so that no copy is needed. */
  get inPlace(): boolean {
    return !this.negated && this.#contiguous;
  }

  get #contiguous(): boolean {
    const dense = contiguousStrides(this.shape);
    return (
      sizeOf(this.shape) === 0 || this.shape.every((size, axis) => size === 1 || this.#strides[axis] === dense[axis])
    );
  }

  fill(): void {
    const numbers = this.storage.as(this.dtype);
    const data = this.#contiguous
      ? numbers.subarray(this.#offset, this.#offset + sizeOf(this.shape))
      : gather(numbers, this.#offset, this.shape, this.#strides);
    this.data = this.negated ? opposite(data) : data;
  }
}

function opposite(data: NumberArray): NumberArray {
  if (data instanceof BigInt64Array) return data.map((value) => -value);
  if (data instanceof BigUint64Array) return data.map((value) => -value);
  return data.map((value) => -value);
}

/** Copies that strided tensors may take beyond what the file itself holds, in elements. */
const COPY_ALLOWANCE = 2 ** 26;

/** Fills all tensors, unless tensors expanded by zero strides would take far more memory than the file. */
export function fillTensors(tensors: readonly TorchTensor[]): void {
  const copies = tensors.filter((tensor) => !tensor.inPlace).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const stored = [...new Set(tensors.map(({ storage }) => storage))].reduce(
    (sum, { byteLength }) => sum + byteLength,
    0,
  );
  if (copies > stored + COPY_ALLOWANCE) {
    throw broken(
      `its strided tensors have ${copies} elements, out of proportion to the ${stored} bytes that it stores`,
    );
  }
  for (const tensor of tensors) tensor.fill();
}

export function broken(what: string, name?: string): WeightsError {
  const which = name === undefined ? 'Not' : `${name} is not`;
  return new WeightsError('WEIGHTS_BAD_TORCH', `${which} a sound PyTorch file: ${what}.`);
}
