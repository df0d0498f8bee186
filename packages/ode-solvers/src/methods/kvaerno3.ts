import { gmres } from '../core/gmres.ts';
import type { Interpolant, Method, Span, Stepped } from '../core/method.ts';
import type { System } from '../core/space.ts';
import { hermite } from './leapfrog.ts';

const gamma = 0.43586652150845899942;

/** Weights of the stages; the diagonal is γ but for the explicit first. */
const a = [
  [],
  [gamma],
  [(-4 * gamma ** 2 + 6 * gamma - 1) / (4 * gamma), (1 - 2 * gamma) / (4 * gamma)],
  [
    (6 * gamma - 1) / (12 * gamma),
    -1 / ((24 * gamma - 12) * gamma),
    (-6 * gamma ** 2 + 6 * gamma - 1) / (6 * gamma - 3),
  ],
] as const;
const c = [0, 2 * gamma, 1, 1] as const;
/** Last row minus the one before: both are stiffly accurate solutions, of orders 3 and 2. */
const error = [a[3][0] - a[2][0], a[3][1] - a[2][1], a[3][2] - gamma, gamma];

/**
 * Kværnø's pair 3(2) (A. Kværnø, BIT 44, 2004): singly diagonally implicit with an explicit first stage, L-stable and
 * stiffly accurate, for stiff systems.
 *
 * Each stage is solved by Newton's method. For tensors, where a dense Jacobian would not fit, each linear system is solved by GMRES
 * on products with the Jacobian, by automatic differentiation. For Float64Array of up to 200 components the Jacobian is written
 * out once a step, by differences, and factored for all stages.
 */
export const kvaerno3: Method = {
  name: 'kvaerno3',
  order: 3,
  adaptive: true,
  carriesSlope: true,

  start: (system, t, y) => [system.f(t, y)],

  step<Y>(system: System<Y>, y: Y, [f0]: readonly Y[], { t, h, tEnd }: Span): Stepped<Y> {
    const { space } = system;
    const k: Y[] = [f0!];
    let at: Y = y;
    const frozen = system.newton?.(t, y, h * gamma);
    for (let i = 1; i < a.length; i++) {
      const base = space.combine(y, h, a[i]!, k);
      const time = c[i] === 1 ? tEnd : t + c[i]! * h;
      const stage = solveStage(system, time, base, h * gamma, space.combine(at, 0, [], []), frozen);
      if (stage === undefined) return { y, carry: [], error: undefined, stages: [], failed: true };
      k.push(space.combine(undefined, 1 / (h * gamma), [1, -1], [stage, base]));
      at = stage;
    }
    return { y: at, carry: [k[3]!], error: space.combine(undefined, h, error, k), stages: k };
  },

  interpolant<Y>(system: System<Y>, y: Y, { y: y1, stages }: Stepped<Y>, { h }: Span): Interpolant<Y> {
    return hermite(system, y, y1, stages[0]!, stages[3]!, h);
  },
};

/** y = base + γh f(t, y), or undefined where Newton's method does not converge. */
function solveStage<Y>(
  system: System<Y>,
  t: number,
  base: Y,
  gammaH: number,
  guess: Y,
  frozen: Correction<Y> | undefined,
): Y | undefined {
  const newton = () => newtonIteration(system, t, base, gammaH, guess, frozen);
  return system.implicitStage === undefined ? newton() : system.implicitStage(t, base, gammaH, newton);
}

/** rhs ↦ δ of (1 - γh J) δ = rhs. */
type Correction<Y> = (rhs: Y) => Y;

/** With the Jacobian of each iterate, or with that which is `frozen`. */
function newtonIteration<Y>(
  system: System<Y>,
  t: number,
  base: Y,
  gammaH: number,
  guess: Y,
  frozen: Correction<Y> | undefined,
): Y | undefined {
  const { space } = system;
  let y = guess;
  let before = Infinity;
  for (let i = 0; i < 12; i++) {
    const f = system.f(t, y);
    // Residual of y - base - γh f = 0, and the correction (I - γh J) δ = -residual.
    const rhs = space.combine(base, 1, [gammaH, -1], [f, y]);
    const delta = frozen === undefined ? correctionAt(system, t, y, f, gammaH)(rhs) : frozen(rhs);
    y = space.combine(y, 1, [1], [delta]);
    const size = readNow(space.scaledNorm(delta, y, y));
    if (!Number.isFinite(size)) return undefined;
    // With a frozen Jacobian corrections shrink by a constant rate, so that those to come sum up to a multiple of the last.
    const rate = frozen === undefined ? 0 : size / before;
    if (rate >= 1 && i > 1) return undefined;
    const rest = i === 0 || frozen === undefined ? 1 : rate / (1 - Math.min(rate, 0.99));
    // Well below the tolerance of the step, so that the error estimate is of the method's making.
    if (size * Math.max(rest, 1e-2) < 1e-2) return y;
    before = size;
  }
  return undefined;
}

function correctionAt<Y>(system: System<Y>, t: number, y: Y, f: Y, gammaH: number): Correction<Y> {
  const { space } = system;
  const jacobian = system.linearise(t, y, f);
  return (rhs) => gmres(space, (v) => space.combine(v, -gammaH, [1], [jacobian(v)]), rhs);
}

const readNow = (read: ReturnType<System<never>['space']['scaledNorm']>): number =>
  typeof read === 'number' ? read : read.now();
