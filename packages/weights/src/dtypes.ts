/** Typed arrays that hold numbers. */
export type NumberArray =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** How the numbers of an array are stored, in the words of PyTorch. */
export type DType =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'float8_e4m3fn'
  | 'float8_e5m2'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool';

type ArrayKind = {
  new (length: number): NumberArray;
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): NumberArray;
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
};

interface DTypeFacts {
  /** Bytes of one element in a file. */
  readonly bytes: number;
  /** The array that holds the numbers in JavaScript. */
  readonly array: ArrayKind;
  /** For the small floats: bits of the exponent and of the fraction. */
  readonly small?: SmallFloat;
}

interface SmallFloat {
  readonly exponent: number;
  readonly fraction: number;
  /** The variant without infinities ("fn"): only all ones is NaN, and the top exponent is an ordinary one. */
  readonly finite?: boolean;
}

export const dtypes: Readonly<Record<DType, DTypeFacts>> = {
  float64: { bytes: 8, array: Float64Array },
  float32: { bytes: 4, array: Float32Array },
  float16: { bytes: 2, array: Float32Array, small: { exponent: 5, fraction: 10 } },
  bfloat16: { bytes: 2, array: Float32Array, small: { exponent: 8, fraction: 7 } },
  float8_e4m3fn: { bytes: 1, array: Float32Array, small: { exponent: 4, fraction: 3, finite: true } },
  float8_e5m2: { bytes: 1, array: Float32Array, small: { exponent: 5, fraction: 2 } },
  int64: { bytes: 8, array: BigInt64Array },
  int32: { bytes: 4, array: Int32Array },
  int16: { bytes: 2, array: Int16Array },
  int8: { bytes: 1, array: Int8Array },
  uint64: { bytes: 8, array: BigUint64Array },
  uint32: { bytes: 4, array: Uint32Array },
  uint16: { bytes: 2, array: Uint16Array },
  uint8: { bytes: 1, array: Uint8Array },
  bool: { bytes: 1, array: Uint8Array },
};

// The files are little-endian, and so is every platform that JavaScript engines run on: typed arrays read them as they are.

/** Little-endian bytes as numbers; shares the memory where dtype and alignment allow. */
export function decode(dtype: DType, bytes: Uint8Array<ArrayBuffer>): NumberArray {
  const { bytes: itemSize, array: Kind, small } = dtypes[dtype];
  const length = bytes.byteLength / itemSize;
  const aligned = bytes.byteOffset % itemSize === 0 ? bytes : new Uint8Array(bytes);
  if (small === undefined) return new Kind(aligned.buffer, aligned.byteOffset, length);
  const table = smallFloatTable(dtype);
  const codes = itemSize === 1 ? aligned : new Uint16Array(aligned.buffer, aligned.byteOffset, length);
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) out[i] = table[codes[i]!]!;
  return out;
}

/** Numbers as little-endian bytes; shares the memory where the dtype is stored as it is held. */
export function encode(dtype: DType, data: NumberArray): Uint8Array<ArrayBuffer> {
  const { bytes: itemSize, small } = dtypes[dtype];
  if (small === undefined) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const codes = itemSize === 1 ? new Uint8Array(data.length) : new Uint16Array(data.length);
  for (let i = 0; i < data.length; i++) codes[i] = smallFloatCode(data[i] as number, small);
  return new Uint8Array(codes.buffer);
}

const tables = new Map<DType, Float32Array>();

/** The value of every code of a small float: 256 or 65,536 numbers, made on first use. */
function smallFloatTable(dtype: DType): Float32Array {
  let table = tables.get(dtype);
  if (table === undefined) {
    const { bytes, small } = dtypes[dtype];
    table = Float32Array.from({ length: 1 << (8 * bytes) }, (_, code) => smallFloatValue(code, small!));
    tables.set(dtype, table);
  }
  return table;
}

function smallFloatValue(
  code: number,
  { exponent: exponentBits, fraction: fractionBits, finite = false }: SmallFloat,
): number {
  const top = 2 ** exponentBits - 1;
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = code >> (exponentBits + fractionBits) === 0 ? 1 : -1;
  const exponent = (code >> fractionBits) & top;
  const fraction = code & (2 ** fractionBits - 1);
  if (exponent === top && finite && fraction === 2 ** fractionBits - 1) return NaN;
  if (exponent === top && !finite) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias);
}

/** The nearest code, ties to even; too large gives infinity, or NaN in the kind that has none. */
function smallFloatCode(
  value: number,
  { exponent: exponentBits, fraction: fractionBits, finite = false }: SmallFloat,
): number {
  const top = 2 ** exponentBits - 1;
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = (value < 0 || Object.is(value, -0) ? 1 : 0) << (exponentBits + fractionBits);
  const nan = (top << fractionBits) | (2 ** fractionBits - 1);
  const overflow = finite ? nan : top << fractionBits;
  if (Number.isNaN(value)) return nan;
  const size = Math.abs(value);
  if (size === Infinity) return sign | overflow;
  // In units of the last place of the result, whose exponent is never below the subnormals'.
  const exponent = size === 0 ? 1 - bias : Math.max(Math.floor(Math.log2(size)), 1 - bias);
  const units = roundToEven(size / 2 ** (exponent - fractionBits));
  // A carry out of the fraction moves into the exponent by itself; so do the implicit leading one and log2's rounding.
  const code = ((exponent + bias - 1) << fractionBits) + units;
  return sign | (code >= (finite ? nan : top << fractionBits) ? overflow : code);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
