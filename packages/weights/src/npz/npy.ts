import { dtypes, encode, type DType } from '../dtypes.ts';
import { WeightsError } from '../errors.ts';
import { permute } from '../permute.ts';
import { sizeOf, tensorFromBytes, type StateTensor } from '../state-dict.ts';

interface NpyHeader {
  readonly dtype: DType;
  /** The numbers are big-endian. */
  readonly swap: boolean;
  readonly shape: readonly number[];
  readonly fortranOrder: boolean;
}

const kinds: Readonly<Record<string, DType>> = {
  f8: 'float64',
  f4: 'float32',
  f2: 'float16',
  i8: 'int64',
  i4: 'int32',
  i2: 'int16',
  i1: 'int8',
  u8: 'uint64',
  u4: 'uint32',
  u2: 'uint16',
  u1: 'uint8',
  b1: 'bool',
};

/** NumPy's name of a dtype (`<f4`) as ours. */
export function parseDescr(descr: string, name: string): { dtype: DType; swap: boolean } {
  const [, order, kind] = /^([<>|=]?)(\w+)$/.exec(descr) ?? [];
  if (kind === undefined || !Object.hasOwn(kinds, kind)) {
    const objects = descr.includes('O') ? ' (Python objects, which only running code could read)' : '';
    throw new WeightsError(
      'WEIGHTS_BAD_NPY',
      `${name} holds an array of dtype '${descr}'${objects}; numbers are read: ${Object.keys(kinds).join(', ')}.`,
    );
  }
  return { dtype: kinds[kind]!, swap: order === '>' };
}

/** The numbers of an array as NumPy stores them, in C order and native byte order. */
export function arrayFromBytes(header: NpyHeader, bytes: Uint8Array<ArrayBuffer>, name: string): StateTensor {
  const { dtype, swap, shape, fortranOrder } = header;
  const needed = sizeOf(shape) * dtypes[dtype].bytes;
  if (bytes.byteLength !== needed) {
    throw new WeightsError(
      'WEIGHTS_BAD_NPY',
      `${name} has ${bytes.byteLength} bytes for an array of ${dtype} [${shape.join(', ')}], which takes ${needed}; truncated?`,
    );
  }
  const ordered = swap ? swapped(bytes, dtypes[dtype].bytes) : bytes;
  if (!fortranOrder) return tensorFromBytes(dtype, shape, ordered);
  // Fortran order is the C order of the array with its axes turned round.
  const turned = tensorFromBytes(dtype, [...shape].reverse(), ordered);
  return permute(
    turned,
    shape.map((_, axis) => shape.length - 1 - axis),
  );
}

/** Reads a `.npy` file. */
export function decodeNpy(bytes: Uint8Array<ArrayBuffer>, name: string): StateTensor {
  const refuse = (what: string) => new WeightsError('WEIGHTS_BAD_NPY', `${name} is not a sound npy file: ${what}.`);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte)) throw refuse('its magic number is missing');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [lengthBytes, length] = bytes[6] === 1 ? [2, view.getUint16(8, true)] : [4, view.getUint32(8, true)];
  const start = 8 + lengthBytes + length;
  if (start > bytes.length) throw refuse('its header is cut off');
  const text = new TextDecoder().decode(bytes.subarray(8 + lengthBytes, start));
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([\d,\sL]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || sizes === undefined) throw refuse(`its header is ${text.trim()}`);
  const shape = (sizes.match(/\d+/g) ?? []).map(Number);
  return arrayFromBytes(
    { ...parseDescr(descr, name), shape, fortranOrder: order === 'True' },
    bytes.subarray(start),
    name,
  );
}

/** Writes a `.npy` file, version 1.0. */
export function encodeNpy({ dtype, shape, data }: StateTensor, name: string): Uint8Array<ArrayBuffer> {
  const kind = Object.keys(kinds).find((key) => kinds[key] === dtype);
  if (kind === undefined) {
    throw new WeightsError(
      'WEIGHTS_BAD_NPY',
      `NumPy has no ${dtype}, the dtype of '${name}'; convert it with toFloat32 first.`,
    );
  }
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const descr = `${dtypes[dtype].bytes === 1 ? '|' : '<'}${kind}`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  // The numbers begin at a multiple of 64.
  const start = Math.ceil((10 + text.length + 1) / 64) * 64;
  const numbers = encode(dtype, data);
  const bytes = new Uint8Array(start + numbers.byteLength);
  const header = `\x93NUMPY\x01\x00${String.fromCharCode((start - 10) & 0xff, (start - 10) >> 8)}${text.padEnd(start - 11)}\n`;
  for (let i = 0; i < start; i++) bytes[i] = header.charCodeAt(i);
  bytes.set(numbers, start);
  return bytes;
}

function swapped(bytes: Uint8Array<ArrayBuffer>, itemSize: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = bytes[i - (i % itemSize) + (itemSize - 1 - (i % itemSize))]!;
  return out;
}
