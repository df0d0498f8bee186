import { toHalf } from '../model/half.ts';
import { elementTypes } from '../model/model.ts';

/** A type of elements: its name in the runtime, and numbers to and from it. */
interface Elements {
  readonly name: string;
  /** Whether it holds whole numbers only. */
  readonly whole?: true;
  from(numbers: Float32Array): ArrayBufferView;
}

/** The types in which a model may want numbers, by their number in onnx.proto3. */
export const elements: ReadonlyMap<number, Elements> = new Map([
  [elementTypes.float32, { name: 'float32', from: (numbers) => numbers }],
  [elementTypes.float16, { name: 'float16', from: toRuntimeHalf }],
  [11, { name: 'float64', from: (numbers) => Float64Array.from(numbers) }],
  [
    elementTypes.int64,
    {
      name: 'int64',
      whole: true,
      from: (numbers) => BigInt64Array.from(numbers, (value) => BigInt(Math.round(value))),
    },
  ],
  [elementTypes.int32, { name: 'int32', whole: true, from: (numbers) => Int32Array.from(numbers, Math.round) }],
  [elementTypes.uint8, { name: 'uint8', whole: true, from: (numbers) => Uint8Array.from(numbers, Math.round) }],
  [
    elementTypes.bool,
    { name: 'bool', whole: true, from: (numbers) => Uint8Array.from(numbers, (value) => +(value !== 0)) },
  ],
] satisfies [number, Elements][]);

/** Newer platforms have an array for float16, and the runtime takes no other there. */
function toRuntimeHalf(numbers: Float32Array): ArrayBufferView {
  const { Float16Array } = globalThis as { Float16Array?: new (buffer: ArrayBufferLike) => ArrayBufferView };
  const bits = toHalf(numbers);
  return Float16Array === undefined ? bits : new Float16Array(bits.buffer);
}

/** What a model gave, as float32. */
export function toFloats(type: string, data: unknown): Float32Array {
  if (data instanceof Float32Array) return data;
  if (type === 'float16' && data instanceof Uint16Array) return Float32Array.from(data, fromHalf);
  return Float32Array.from(data as ArrayLike<number>, Number);
}

function fromHalf(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}
