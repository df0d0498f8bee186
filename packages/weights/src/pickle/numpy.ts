import type { DType, NumberArray } from '../dtypes.ts';
import { WeightsError } from '../errors.ts';
import { arrayFromBytes, parseDescr } from '../npz/npy.ts';
import type { StateTensor } from '../state-dict.ts';
import { setState, type PickleGlobal } from './unpickle.ts';

/** `numpy.dtype` while it is built: the code comes first, the byte order with its state. */
class NumpyDtype {
  #descr: string;

  constructor(descr: unknown) {
    if (typeof descr !== 'string') throw refuse('a dtype that is not a name');
    this.#descr = descr;
  }

  get descr(): string {
    return this.#descr;
  }

  [setState](state: unknown): void {
    const order = (state as unknown[])[1];
    if (typeof order !== 'string' || !/^[<>|=]$/.test(order)) throw refuse('a dtype with an unknown byte order');
    this.#descr = order.replace('=', '<') + this.#descr.replace(/^[<>|=]/, '');
  }
}

/** `numpy.ndarray` while it is built; afterwards a `StateTensor`. */
class NumpyArray implements StateTensor {
  dtype: DType = 'uint8';
  shape: readonly number[] = [0];
  data: NumberArray = new Uint8Array(0);

  [setState](state: unknown): void {
    // (version, shape, dtype, is_fortran, data), numpy/core/src/multiarray/methods.c: array_setstate
    const [shape, dtype, fortranOrder, data] = (state as unknown[]).slice(-4);
    Object.assign(this, arrayOf(shape, dtype, fortranOrder === true || fortranOrder === 1, data));
  }
}

function arrayOf(shape: unknown, dtype: unknown, fortranOrder: boolean, data: unknown): StateTensor {
  if (!(dtype instanceof NumpyDtype)) throw refuse('an array without a dtype');
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw refuse('an array whose shape is not a tuple of sizes');
  }
  // Python 2 wrote the numbers as a str, which is read as Latin-1 text.
  const bytes = typeof data === 'string' ? Uint8Array.from(data, (letter) => letter.charCodeAt(0)) : data;
  if (!(bytes instanceof Uint8Array)) throw refuse('an array of Python objects');
  const { dtype: name, swap } = parseDescr(dtype.descr, 'The pickle');
  return arrayFromBytes(
    { dtype: name, swap, shape: shape as number[], fortranOrder },
    new Uint8Array(bytes),
    'The pickle',
  );
}

function scalar(dtype: unknown, data: unknown): number | bigint {
  return arrayOf([], dtype, false, data).data[0]!;
}

function refuse(what: string): WeightsError {
  return new WeightsError('WEIGHTS_BAD_PICKLE', `The pickle holds ${what}.`);
}

const inModule = (name: string, global: PickleGlobal): [string, PickleGlobal][] => [
  [`numpy.core.${name}`, global],
  [`numpy._core.${name}`, global],
];

/** What pickles of NumPy arrays name: arrays become `StateTensor`s, scalars numbers. */
export const numpyGlobals: Readonly<Record<string, PickleGlobal>> = Object.fromEntries([
  ['numpy.ndarray', { value: 'numpy.ndarray' }],
  ['numpy.dtype', (descr: unknown) => new NumpyDtype(descr)],
  ...inModule('multiarray._reconstruct', () => new NumpyArray()),
  ...inModule('multiarray.scalar', scalar),
  ...inModule('numeric._frombuffer', (data, dtype, shape, order) => arrayOf(shape, dtype, order === 'F', data)),
]);
