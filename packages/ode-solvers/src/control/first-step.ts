import type { Read, System } from '../core/space.ts';

/**
 * Length of the first step (Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I, II.4): such that an
 * explicit Euler step and its change of slope stay small against the tolerance. One evaluation of f beside f0.
 *
 * @returns NaN where f0 is not finite.
 */
export function* firstStep<Y>(
  system: System<Y>,
  order: number,
  t: number,
  y: Y,
  f0: Y,
  sign: number,
): Generator<Read, number, number> {
  const { space } = system;
  const d0 = yield space.scaledNorm(y, y, y);
  const d1 = yield space.scaledNorm(f0, y, y);
  if (!Number.isFinite(d0) || !Number.isFinite(d1)) return NaN;
  const h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : (0.01 * d0) / d1;
  const [change] = space.scope(() => {
    const f1 = system.f(t + sign * h0, space.combine(y, sign * h0, [1], [f0]));
    return [space.combine(f1, -1, [1], [f0])];
  });
  let d2: number;
  try {
    d2 = (yield space.scaledNorm(change, y, y)) / h0;
  } finally {
    space.free([change]);
  }
  const h1 = d1 <= 1e-15 && d2 <= 1e-15 ? Math.max(1e-6, h0 * 1e-3) : (0.01 / Math.max(d1, d2)) ** (1 / order);
  return Math.min(100 * h0, h1);
}
