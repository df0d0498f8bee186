import { refuse } from '../errors.ts';
import { isNumberArray, type NumberArray } from '../sample.ts';
import { followRule } from './follow-rule.ts';
import type { Arithmetic, Coefficient, StepRule, Term } from './arithmetic.ts';

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

  check(argument: string, array: NumberArray): void {
    if (isNumberArray(array) && array.length === this.#size) return;
    const allowed = `a Float32Array or Float64Array of ${this.#size} numbers, as \`sample\` is`;
    refuse({ argument, value: array, allowed });
  }

  combine(...terms: Term<NumberArray>[]): NumberArray {
    for (const [, array] of terms) this.check('an array of this step', array);
    const out = this.#create(this.#size);
    const coefficients = terms.map(([coefficient]) => coefficient);
    this.#forEachItem(coefficients, (from, to, item) => combineRange(out, from, to, terms, item));
    return out;
  }

  follow(
    rule: StepRule,
    sample: NumberArray,
    output: NumberArray,
    limit: number,
    added: readonly Term<NumberArray>[],
  ): { original: NumberArray; next: NumberArray } {
    this.check('modelOutput', output);
    for (const [, array] of added) this.check('noise', array);
    const [original, next] = [this.#create(this.#size), this.#create(this.#size)];
    const { originalSample, originalOutput, original: own, sample: again, output: direct } = rule;
    const coefficients = [originalSample, originalOutput, own, again, direct] as const;
    this.#forEachItem([...coefficients, ...added.map(([coefficient]) => coefficient)], (from, to, item) => {
      const [a, b, c, d, e] = coefficients.map((one) => factor(one, item)) as [number, number, number, number, number];
      const [noise, ...others] = added;
      const f = noise === undefined ? 0 : factor(noise[0], item);
      const arrays = { sample, output, noise: noise?.[1] ?? output, original, next };
      followRule({ ...arrays, from, to, a, b, c, d, e, f, limit });
      addRange(next, from, to, others, item);
    });
    return { original, next };
  }

  /** The whole array as one range, or a range per batch item where a coefficient speaks of items. */
  #forEachItem(coefficients: readonly Coefficient[], run: (from: number, to: number, item: number) => void): void {
    const batch = coefficients.find((one) => typeof one !== 'number')?.length ?? 1;
    const stride = this.#size / batch;
    for (let item = 0; item < batch; item++) run(item * stride, (item + 1) * stride, item);
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
}

/** One pass for up to three terms, which is nearly every step; further terms are added one by one. */
function combineRange(out: NumberArray, from: number, to: number, terms: readonly Term<NumberArray>[], item: number) {
  const [first, second, third] = terms;
  const [a, x] = [factor(first![0], item), first![1]];
  if (second === undefined) return scale(out, from, to, a, x);
  const [b, y] = [factor(second[0], item), second[1]];
  if (third === undefined) return combineTwo(out, from, to, a, x, b, y);
  combineThree(out, from, to, a, x, b, y, factor(third[0], item), third[1]);
  addRange(out, from, to, terms.slice(3), item);
}

function addRange(out: NumberArray, from: number, to: number, terms: readonly Term<NumberArray>[], item: number) {
  for (const [coefficient, array] of terms) combineTwo(out, from, to, 1, out, factor(coefficient, item), array);
}

// Each loop is alone in its function, so that engines compile it as it is.

function scale(out: NumberArray, from: number, to: number, a: number, x: NumberArray): void {
  for (let i = from; i < to; i++) out[i] = a * x[i]!;
}

function combineTwo(
  out: NumberArray,
  from: number,
  to: number,
  a: number,
  x: NumberArray,
  b: number,
  y: NumberArray,
): void {
  for (let i = from; i < to; i++) out[i] = a * x[i]! + b * y[i]!;
}

function combineThree(
  out: NumberArray,
  from: number,
  to: number,
  a: number,
  x: NumberArray,
  b: number,
  y: NumberArray,
  c: number,
  z: NumberArray,
): void {
  for (let i = from; i < to; i++) out[i] = a * x[i]! + b * y[i]! + c * z[i]!;
}

function factor(coefficient: Coefficient, item: number): number {
  return typeof coefficient === 'number' ? coefficient : coefficient[item]!;
}
