import type { Interpolant, Method, Span, Spent, Stepped } from './method.ts';
import type { System } from './space.ts';
import type { Tableau } from './tableau.ts';

/** An explicit Runge-Kutta method from its tableau. */
export function explicitMethod(tableau: Tableau): Method {
  const { name, order, c, a, b, error, mid, reuseLast: endsOnSlope = false } = tableau;
  const last = c.length - 1;
  const [stageRows, endRow, errorRow] = [a.map(sparse), sparse(b), error && sparse(error)];
  // "First same as last": the state of the last stage is the result already.
  const endsOnStage = b[last] === 0 && a[last]!.every((weight, j) => weight === b[j]);

  return {
    name,
    order,
    adaptive: error !== undefined,
    carriesSlope: endsOnSlope,

    start: (system, t, y) => (endsOnSlope ? [system.f(t, y)] : []),

    step<Y>(system: System<Y>, y: Y, carry: readonly Y[], { t, h, tStart, tEnd }: Span, spent?: Spent<Y>): Stepped<Y> {
      const { space } = system;
      const k = spent?.stages ?? new Array<Y>(last + 1);
      const [slope] = carry;
      // Of a step that was accepted the last stage is carried on, and the memory of the first takes its place.
      if (spent !== undefined && slope !== undefined && slope !== k[0]) k[last] = k[0]!;
      k[0] = slope ?? system.f(tStart, y, k[0]);
      let at = spent?.y;
      for (let i = 1; i <= last; i++) {
        const { weights, picks } = stageRows[i]!;
        const node = c[i]!;
        at = space.combine(y, h, weights, k, picks, at);
        k[i] = system.f(node === 0 ? tStart : node === 1 ? tEnd : t + node * h, at, k[i]);
      }
      const end = endsOnStage ? undefined : space.combine(y, h, endRow.weights, k, endRow.picks, at);
      return {
        y: end ?? at!,
        carry: endsOnSlope ? [k[last]!] : [],
        error: errorRow && space.combine(undefined, h, errorRow.weights, k, errorRow.picks, spent?.error),
        stages: k,
      };
    },

    interpolant<Y>(system: System<Y>, y: Y, { y: y1, stages }: Stepped<Y>, { h, tEnd }: Span): Interpolant<Y> {
      const { space } = system;
      const k = endsOnSlope ? stages : [...stages, system.f(tEnd, y1)];
      const ends = endsOnSlope ? b : [...b, 0];
      const rows = mid === undefined ? cubicRows(ends) : quarticRows(ends, mid);
      return {
        evaluate: (theta) => space.combine(y, h, atPower(rows, theta), k),
        derivative: (theta) => space.combine(undefined, 1, slopeAt(rows, theta), k),
        parts: [y, ...k],
      };
    },
  };
}

/** A row of a tableau without its zeros. */
function sparse(row: readonly number[]): { weights: number[]; picks: number[] } {
  const picks = row.flatMap((weight, j) => (weight === 0 ? [] : [j]));
  return { weights: picks.map((j) => row[j]!), picks };
}

/**
 * Weights of the stages in the coefficients of θ, θ², ... of y(t + θh) = y + h Σ wᵢ(θ) kᵢ: the quartic through both ends,
 * their slopes k₁ and k_last, and the middle.
 */
function quarticRows(b: readonly number[], mid: readonly number[]): number[][] {
  const last = b.length - 1;
  return [
    b.map((_, i) => (i === 0 ? 1 : 0)),
    b.map((end, i) => -5 * end + 16 * mid[i]! - (i === 0 ? 4 : 0) + (i === last ? 1 : 0)),
    b.map((end, i) => 14 * end - 32 * mid[i]! + (i === 0 ? 5 : 0) - (i === last ? 3 : 0)),
    b.map((end, i) => -8 * end + 16 * mid[i]! - (i === 0 ? 2 : 0) + (i === last ? 2 : 0)),
  ];
}

/** The same for the cubic Hermite polynomial. */
function cubicRows(b: readonly number[]): number[][] {
  const last = b.length - 1;
  return [
    b.map((_, i) => (i === 0 ? 1 : 0)),
    b.map((end, i) => 3 * end - (i === 0 ? 2 : 0) - (i === last ? 1 : 0)),
    b.map((end, i) => -2 * end + (i === 0 ? 1 : 0) + (i === last ? 1 : 0)),
  ];
}

function atPower(rows: readonly number[][], theta: number): number[] {
  return rows[0]!.map((_, i) => rows.reduceRight((sum, row) => (sum + row[i]!) * theta, 0));
}

function slopeAt(rows: readonly number[][], theta: number): number[] {
  return rows[0]!.map((_, i) => rows.reduceRight((sum, row, power) => sum * theta + (power + 1) * row[i]!, 0));
}
