import { invalidArgument } from '@missing-u/errors';
import type { Interpolant, Method, Span, Stepped } from '../core/method.ts';
import type { System } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import { methodOf, type MethodName } from './index.ts';

/**
 * An algebraically reversible method from an explicit one, of the same order (S. McCallum and J. Foster, "Efficient,
 * accurate and stable gradients for neural ODEs", arXiv 2410.11648). It steps two copies of the state, y and z, with the
 * increment Ψ of the base method, at twice its evaluations:
 *
 *     y⁺ = λ y + (1 - λ) z + Ψ(t, h, z),   z⁺ = z - Ψ(t + h, -h, y⁺)
 *
 * which is undone by the same increments: z = z⁺ + Ψ(t + h, -h, y⁺), y = (y⁺ - (1 - λ) z - Ψ(t, h, z)) / λ.
 *
 * @param method explicit Runge-Kutta method.
 * @param coupling λ in (0, 1]; smaller is more stable forwards, and loses more of the last digits on the way back, which
 *     rounding errors take with a factor of λ^-steps.
 */
export function coupled(method: MethodName | Method, coupling = 0.999): Method {
  checkCoupling(coupling);
  const base = methodOf(method);
  if (base.reverse !== undefined || base.name === 'kvaerno3') {
    throw new OdeError(
      'ODE_METHOD',
      `A reversible method is made of an explicit Runge-Kutta method, not of '${base.name}'.`,
    );
  }
  const backwards = ({ t, h, tStart, tEnd }: Span): Span => ({ t: t + h, h: -h, tStart: tEnd, tEnd: tStart });

  return {
    name: `reversible_${base.name}`,
    order: base.order,
    adaptive: base.adaptive,
    carriesSlope: false,

    start: ({ space }, _t, y) => [space.combine(y, 0, [], [])],

    step<Y>(system: System<Y>, y: Y, [z]: readonly Y[], span: Span): Stepped<Y> {
      const { space } = system;
      const ahead = base.step(system, z!, [], span);
      // z + Ψ is what the base method gives.
      const y1 = space.combine(ahead.y, coupling, [1, -1], [y, z!]);
      const back = base.step(system, y1, [], backwards(span));
      const z1 = space.combine(z, 1, [1, -1], [y1, back.y]);
      return { y: y1, carry: [z1], error: ahead.error, stages: [ahead.y, z!, ...ahead.stages] };
    },

    /** The base method's from z, moved onto y: the two differ by the error of the steps, which is taken to be linear. */
    interpolant<Y>(system: System<Y>, y: Y, { y: y1, stages }: Stepped<Y>, span: Span): Interpolant<Y> {
      const { space } = system;
      const [ahead, z, ...k] = stages as [Y, Y, ...Y[]];
      const inner = base.interpolant(system, z, { y: ahead, stages: k, carry: [], error: undefined }, span);
      return {
        evaluate: (theta) =>
          space.combine(inner.evaluate(theta), 1, [1 - theta, theta - 1, theta, -theta], [y, z, y1, ahead]),
        derivative: (theta) => space.combine(inner.derivative(theta), 1 / span.h, [-1, 1, 1, -1], [y, z, y1, ahead]),
        parts: [y, z, y1, ahead, ...inner.parts],
      };
    },

    reverse<Y>(system: System<Y>, y1: Y, [z1]: readonly Y[], span: Span) {
      const { space } = system;
      const back = base.step(system, y1, [], backwards(span));
      const z = space.combine(z1, 1, [1, -1], [back.y, y1]);
      const ahead = base.step(system, z, [], span);
      const y = space.combine(undefined, 1 / coupling, [1, coupling, -1], [y1, z, ahead.y]);
      return { y, carry: [z] };
    },
  };
}

/** Refuses a λ that would lose one of the two states, or NaN. */
export function checkCoupling(coupling: unknown): void {
  if (typeof coupling === 'number' && coupling > 0 && coupling <= 1) return;
  throw new OdeError('ODE_OPTION', invalidArgument({ argument: 'coupling', value: coupling, allowed: 'in (0, 1]' }));
}
