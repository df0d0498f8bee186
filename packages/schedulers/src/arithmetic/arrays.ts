import { refuse } from '../errors.ts';
import { isNumberArray, type NumberArray } from '../sample.ts';
import type { Arithmetic, Coefficient, Term } from './arithmetic.ts';

/** Arithmetic on Float32Array and Float64Array; results are of the sample's type, sums are formed in float64. */
export class ArrayArithmetic implements Arithmetic<NumberArray> {
  readonly shape: readonly number[];
  readonly #size: number;
  readonly #create: (size: number) => NumberArray;

  constructor(like: NumberArray, shape: readonly number[] = [1, like.length]) {
    const size = shape.reduce((product, side) => product * side, 1);
    if (size !== like.length) {
      const allowed = `a shape of ${like.length} numbers, the length of \`sample\``;
      refuse({ argument: 'shape', value: shape, allowed });
    }
    this.shape = shape;
    this.#size = size;
    this.#create = like instanceof Float64Array ? (n) => new Float64Array(n) : (n) => new Float32Array(n);
  }

  combine(...terms: Term<NumberArray>[]): NumberArray {
    for (const [, array] of terms) this.#check(array);
    const out = this.#create(this.#size);
    const batch = perItem(terms);
    if (batch === undefined) {
      combineRange(out, 0, this.#size, terms, 0);
      return out;
    }
    const stride = this.#size / batch;
    for (let item = 0; item < batch; item++) combineRange(out, item * stride, (item + 1) * stride, terms, item);
    return out;
  }

  multiply(a: NumberArray, b: NumberArray): NumberArray {
    const out = this.#create(a.length);
    for (let i = 0; i < out.length; i++) out[i] = a[i]! * b[i]!;
    return out;
  }

  exp(x: NumberArray): NumberArray {
    return this.from(x.map(Math.exp));
  }

  sqrt(x: NumberArray): NumberArray {
    return this.from(x.map(Math.sqrt));
  }

  log(x: NumberArray): NumberArray {
    return this.from(x.map(Math.log));
  }

  tanh(x: NumberArray): NumberArray {
    return this.from(x.map(Math.tanh));
  }

  add(x: NumberArray, number: number): NumberArray {
    return this.from(x.map((one) => one + number));
  }

  below(x: NumberArray, number: number): NumberArray {
    return this.from(x.map((one) => (one < number ? 1 : 0)));
  }

  itemMeans(x: NumberArray): NumberArray {
    const items = this.shape[0]!;
    const stride = x.length / items;
    const means = this.#create(items);
    for (let item = 0; item < items; item++) {
      let sum = 0;
      for (let i = item * stride; i < (item + 1) * stride; i++) sum += x[i]!;
      means[item] = sum / stride;
    }
    return means;
  }

  clip(x: NumberArray, low: number, high: number): NumberArray {
    const out = this.#create(x.length);
    for (let i = 0; i < out.length; i++) {
      const value = x[i]!;
      out[i] = value < low ? low : value > high ? high : value;
    }
    return out;
  }

  split(x: NumberArray): [NumberArray, NumberArray] {
    const width = this.shape.at(-1)!;
    const [first, second] = [this.#create(this.#size), this.#create(this.#size)];
    for (let row = 0; row * width < this.#size; row++) {
      const start = 2 * row * width;
      first.set(x.subarray(start, start + width), row * width);
      second.set(x.subarray(start + width, start + 2 * width), row * width);
    }
    return [first, second];
  }

  from(values: NumberArray): NumberArray {
    const out = this.#create(values.length);
    out.set(values);
    return out;
  }

  values(x: NumberArray): NumberArray {
    return x;
  }

  scope<T>(compute: () => T): T {
    return compute();
  }

  keep(x: NumberArray): NumberArray {
    return this.from(x);
  }

  release(): void {
    // Arrays are garbage-collected.
  }

  #check(array: NumberArray): void {
    if (isNumberArray(array) && array.length === this.#size) return;
    const allowed = `a Float32Array or Float64Array of ${this.#size} numbers, as \`sample\` is`;
    refuse({ argument: 'an array of this step', value: array, allowed });
  }
}

/** The number of batch items that the coefficients speak of, or undefined where they are plain numbers. */
function perItem(terms: readonly Term<NumberArray>[]): number | undefined {
  for (const [coefficient] of terms) if (typeof coefficient !== 'number') return coefficient.length;
  return undefined;
}

/** One fused pass for up to three terms, which is nearly every step; further terms are added one by one. */
function combineRange(out: NumberArray, from: number, to: number, terms: readonly Term<NumberArray>[], item: number) {
  const zero: Term<NumberArray> = [0, terms[0]![1]];
  const [first, second = zero, third = zero] = terms;
  const [a, b, c] = [factor(first![0], item), factor(second[0], item), factor(third[0], item)];
  const [x, y, z] = [first![1], second[1], third[1]];
  if (terms.length === 1) for (let i = from; i < to; i++) out[i] = a * x[i]!;
  else if (terms.length === 2) for (let i = from; i < to; i++) out[i] = a * x[i]! + b * y[i]!;
  else for (let i = from; i < to; i++) out[i] = a * x[i]! + b * y[i]! + c * z[i]!;
  for (const [coefficient, array] of terms.slice(3)) {
    const d = factor(coefficient, item);
    for (let i = from; i < to; i++) out[i]! += d * array[i]!;
  }
}

function factor(coefficient: Coefficient, item: number): number {
  return typeof coefficient === 'number' ? coefficient : coefficient[item]!;
}
