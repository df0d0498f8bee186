import type { AdaptiveSteps, GridSteps } from '../control/options.ts';
import type { Interpolant, Method, Span, Stepped } from './method.ts';
import type { System } from './space.ts';

/** The method with the interpolant that the options ask for: its own, or straight lines. */
export function interpolating(method: Method, steps: AdaptiveSteps | GridSteps): Method {
  return steps.kind === 'grid' && steps.interp === 'linear' ? { ...method, interpolant: straightLine } : method;
}

function straightLine<Y>({ space }: System<Y>, y: Y, { y: y1 }: Stepped<Y>, { h }: Span): Interpolant<Y> {
  return {
    evaluate: (theta) => space.combine(y, theta, [1, -1], [y1, y]),
    derivative: () => space.combine(undefined, 1 / h, [1, -1], [y1, y]),
    parts: [y, y1],
  };
}
