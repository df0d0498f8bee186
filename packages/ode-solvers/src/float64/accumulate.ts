/**
 * from + scale · Σ weights[j] · terms[picks[j]] into `sum`, which may be `from`. Solves of small systems spend most of their
 * time here, so two to four numbers are summed side by side, and more of them by three terms at a time.
 */
export function accumulate(
  sum: Float64Array,
  from: Float64Array,
  scale: number,
  weights: readonly number[],
  terms: readonly Float64Array[],
  picks: readonly number[],
): void {
  if (sum.length === 2) return accumulateTwo(sum, from, scale, weights, terms, picks);
  if (sum.length === 3) return accumulateThree(sum, from, scale, weights, terms, picks);
  if (sum.length === 4) return accumulateFour(sum, from, scale, weights, terms, picks);
  const count = weights.length;
  let j = 0;
  for (; j + 2 < count; j += 3) {
    const a = scale * weights[j]!;
    const b = scale * weights[j + 1]!;
    const c = scale * weights[j + 2]!;
    addThree(sum, from, a, terms[picks[j]!]!, b, terms[picks[j + 1]!]!, c, terms[picks[j + 2]!]!);
    from = sum;
  }
  if (count - j === 2) {
    addTwo(sum, from, scale * weights[j]!, terms[picks[j]!]!, scale * weights[j + 1]!, terms[picks[j + 1]!]!);
  } else if (count - j === 1) {
    addOne(sum, from, scale * weights[j]!, terms[picks[j]!]!);
  } else if (from !== sum) {
    sum.set(from);
  }
}

function accumulateTwo(
  sum: Float64Array,
  from: Float64Array,
  scale: number,
  weights: readonly number[],
  terms: readonly Float64Array[],
  picks: readonly number[],
): void {
  let s0 = 0;
  let s1 = 0;
  for (let j = 0; j < weights.length; j++) {
    const weight = weights[j]!;
    const term = terms[picks[j]!]!;
    s0 += weight * term[0]!;
    s1 += weight * term[1]!;
  }
  sum[0] = from[0]! + scale * s0;
  sum[1] = from[1]! + scale * s1;
}

function accumulateThree(
  sum: Float64Array,
  from: Float64Array,
  scale: number,
  weights: readonly number[],
  terms: readonly Float64Array[],
  picks: readonly number[],
): void {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  for (let j = 0; j < weights.length; j++) {
    const weight = weights[j]!;
    const term = terms[picks[j]!]!;
    s0 += weight * term[0]!;
    s1 += weight * term[1]!;
    s2 += weight * term[2]!;
  }
  sum[0] = from[0]! + scale * s0;
  sum[1] = from[1]! + scale * s1;
  sum[2] = from[2]! + scale * s2;
}

function accumulateFour(
  sum: Float64Array,
  from: Float64Array,
  scale: number,
  weights: readonly number[],
  terms: readonly Float64Array[],
  picks: readonly number[],
): void {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let j = 0; j < weights.length; j++) {
    const weight = weights[j]!;
    const term = terms[picks[j]!]!;
    s0 += weight * term[0]!;
    s1 += weight * term[1]!;
    s2 += weight * term[2]!;
    s3 += weight * term[3]!;
  }
  sum[0] = from[0]! + scale * s0;
  sum[1] = from[1]! + scale * s1;
  sum[2] = from[2]! + scale * s2;
  sum[3] = from[3]! + scale * s3;
}

function addThree(
  sum: Float64Array,
  from: Float64Array,
  a: number,
  x: Float64Array,
  b: number,
  y: Float64Array,
  c: number,
  z: Float64Array,
): void {
  for (let i = 0; i < sum.length; i++) sum[i] = from[i]! + a * x[i]! + b * y[i]! + c * z[i]!;
}

function addTwo(sum: Float64Array, from: Float64Array, a: number, x: Float64Array, b: number, y: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = from[i]! + a * x[i]! + b * y[i]!;
}

function addOne(sum: Float64Array, from: Float64Array, a: number, x: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = from[i]! + a * x[i]!;
}
