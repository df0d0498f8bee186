import type { Interpolant, Method, Span, Stepped } from '../core/method.ts';
import type { SecondOrderParts, System } from '../core/space.ts';
import { OdeError } from '../errors.ts';

/**
 * Velocity Verlet, kick - drift - kick (L. Verlet, Phys. Rev. 159, 1967): symplectic and time-reversible, of order 2, one
 * evaluation per step. For x'' = a(t, x); where a depends on v it is neither and of order 1.
 *
 *     v½ = v + h/2 a(t, x),  x⁺ = x + h v½,  v⁺ = v½ + h/2 a(t + h, x⁺)
 */
export const leapfrog: Method = {
  name: 'leapfrog',
  order: 2,
  adaptive: false,
  carriesSlope: false,

  start: (system, t, y) => [partsOf(system).acceleration(t, y)],

  step<Y>(system: System<Y>, y: Y, [a0]: readonly Y[], { h, tEnd }: Span): Stepped<Y> {
    const { acceleration, drift, kick } = partsOf(system);
    const drifted = drift(kick(y, h / 2, a0!), h);
    const a1 = acceleration(tEnd, drifted);
    return { y: kick(drifted, h / 2, a1), carry: [a1], error: undefined, stages: [] };
  },

  /** Cubic Hermite polynomial in x and v. */
  interpolant<Y>(system: System<Y>, y: Y, { y: y1 }: Stepped<Y>, { h, tStart, tEnd }: Span): Interpolant<Y> {
    return hermite(system, y, y1, system.f(tStart, y), system.f(tEnd, y1), h);
  },

  /** The same step from the end: reversing the velocities reverses the motion. */
  reverse<Y>(system: System<Y>, y: Y, [a1]: readonly Y[], { h, tStart }: Span) {
    const { acceleration, drift, kick } = partsOf(system);
    const drifted = drift(kick(y, -h / 2, a1!), -h);
    const a0 = acceleration(tStart, drifted);
    return { y: kick(drifted, -h / 2, a0), carry: [a0] };
  },
};

/** The cubic through two states with two slopes. */
export function hermite<Y>({ space }: System<Y>, y0: Y, y1: Y, f0: Y, f1: Y, h: number): Interpolant<Y> {
  return {
    evaluate: (s) =>
      space.combine(
        y0,
        1,
        [-(3 - 2 * s) * s * s, (3 - 2 * s) * s * s, h * s * (1 - s) ** 2, -h * s * s * (1 - s)],
        [y0, y1, f0, f1],
      ),
    derivative: (s) =>
      space.combine(
        undefined,
        1,
        [(-6 * s * (1 - s)) / h, (6 * s * (1 - s)) / h, (1 - s) * (1 - 3 * s), s * (3 * s - 2)],
        [y0, y1, f0, f1],
      ),
    parts: [y0, y1, f0, f1],
  };
}

function partsOf<Y>(system: System<Y>): SecondOrderParts<Y> {
  if (system.secondOrder !== undefined) return system.secondOrder;
  const message = "The method 'leapfrog' needs a second-order system; make f with `secondOrder(acceleration)`.";
  throw new OdeError('ODE_METHOD', message);
}
