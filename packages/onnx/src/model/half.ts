import type { Initializer, Model, Node } from './model.ts';

/** Smaller constants stay as they are: they are epsilons, shapes of one number and biases, and weigh nothing. */
const leastNumbers = 256;

/** Stores large constants with half the bytes. They are widened when the file is loaded, so calls are as fast as before. */
export function halveWeights(model: Model): Model {
  const widen: Node[] = [];
  const initializers = model.initializers.map((initializer): Initializer => {
    const { name, type, bytes } = initializer;
    if (type !== 'float32' || bytes.length < 4 * leastNumbers) return initializer;
    const half = `${name}/float16`;
    widen.push({ operator: 'Cast', name: `${name}/Cast`, inputs: [half], outputs: [name], attributes: { to: 1 } });
    const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    return { ...initializer, name: half, type: 'float16', bytes: new Uint8Array(toHalf(numbers).buffer) };
  });
  return { ...model, initializers, nodes: [...widen, ...model.nodes] };
}

/** float16 bits of float32 numbers, rounded to the nearest, ties to even; too large ones become the largest. */
export function toHalf(numbers: Float32Array): Uint16Array {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  return Uint16Array.from(bits, (value) => {
    const sign = (value >>> 16) & 0x8000;
    const exponent = ((value >>> 23) & 0xff) - 112;
    const fraction = value & 0x7fffff;
    if (exponent >= 31) return sign | (exponent === 143 ? (fraction === 0 ? 0x7c00 : 0x7e00) : 0x7bff);
    // The bits that go, of a number that may be too small for the exponent.
    const shift = exponent > 0 ? 13 : 14 - exponent;
    if (shift > 24) return sign;
    const whole = exponent > 0 ? (exponent << 23) | fraction : fraction | 0x800000;
    const kept = whole >>> shift;
    const rest = whole & ((1 << shift) - 1);
    const middle = 1 << (shift - 1);
    const rounded = kept + (rest > middle || (rest === middle && (kept & 1) === 1) ? 1 : 0);
    return sign | Math.min(rounded, 0x7bff);
  });
}
