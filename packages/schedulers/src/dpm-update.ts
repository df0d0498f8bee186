/** A point of the diffusion x = α x0 + σ ε, with the half log signal-to-noise ratio λ = log(α/σ). */
export interface Point {
  alpha: number;
  sigma: number;
  lambda: number;
}

export function pointOf(alpha: number, sigma: number): Point {
  return { alpha, sigma, lambda: Math.log(alpha) - Math.log(sigma) };
}

/** `dpmsolver` integrates predicted noise, `dpmsolver++` predicted data; `sde-` adds noise (Lu et al. 2022a, 2022b). */
export const DPM_ALGORITHMS = ['dpmsolver', 'dpmsolver++', 'sde-dpmsolver', 'sde-dpmsolver++'] as const;
export type DpmAlgorithm = (typeof DPM_ALGORITHMS)[number];
export type DpmSolverType = 'midpoint' | 'heun';

/** x' = sample · x + d0 · D0 + d1 · D1 + d2 · D2 + noise · z, with D_k the k-th derivative of the prediction in λ, times h^k. */
export interface DpmCoefficients {
  sample: number;
  d0: number;
  d1: number;
  d2: number;
  noise: number;
}

/**
 * The coefficients of a step between two points (DPM-Solver++, algorithms 1 and 2 and appendix; SDE-DPM-Solver++ (2M)).
 * `midpoint` and `heun` differ in what they make of the first derivative; third order always takes `heun`.
 */
export function dpmCoefficients(
  from: Point,
  to: Point,
  algorithm: DpmAlgorithm,
  solver: DpmSolverType,
): DpmCoefficients {
  const h = to.lambda - from.lambda;
  const isMidpoint = solver === 'midpoint';
  switch (algorithm) {
    case 'dpmsolver++': {
      const phi = Math.expm1(-h);
      return {
        sample: to.sigma / from.sigma,
        d0: -to.alpha * phi,
        d1: isMidpoint ? -0.5 * to.alpha * phi : to.alpha * (phi / h + 1),
        d2: -to.alpha * ((phi + h) / h ** 2 - 0.5),
        noise: 0,
      };
    }
    case 'dpmsolver': {
      const phi = Math.expm1(h);
      return {
        sample: to.alpha / from.alpha,
        d0: -to.sigma * phi,
        d1: isMidpoint ? -0.5 * to.sigma * phi : -to.sigma * (phi / h - 1),
        d2: -to.sigma * ((phi - h) / h ** 2 - 0.5),
        noise: 0,
      };
    }
    case 'sde-dpmsolver++': {
      const phi = -Math.expm1(-2 * h);
      return {
        sample: (to.sigma / from.sigma) * Math.exp(-h),
        d0: to.alpha * phi,
        d1: isMidpoint ? 0.5 * to.alpha * phi : to.alpha * (phi / (-2 * h) + 1),
        d2: to.alpha * ((phi - 2 * h) / (2 * h) ** 2 - 0.5),
        noise: to.sigma * Math.sqrt(phi),
      };
    }
    case 'sde-dpmsolver': {
      const phi = Math.expm1(h);
      return {
        sample: to.alpha / from.alpha,
        d0: -2 * to.sigma * phi,
        d1: isMidpoint ? -to.sigma * phi : -2 * to.sigma * (phi / h - 1),
        d2: NaN,
        noise: to.sigma * Math.sqrt(Math.expm1(2 * h)),
      };
    }
  }
}

/**
 * A multistep update as coefficients of the newest predictions, newest first; `points` are the target, then theirs. Levels may
 * repeat, as at the end of the inverse solver: a step that goes nowhere keeps the sample, and predictions made at one point give
 * no derivative, so that the order ends there.
 */
export function multistepCoefficients(
  points: readonly Point[],
  algorithm: DpmAlgorithm,
  solver: DpmSolverType,
): { sample: number; outputs: number[]; noise: number } {
  const repeated = points.findIndex((point, i) => i > 1 && point.lambda === points[i - 1]!.lambda);
  const [to, s0, s1, s2] = points.slice(0, repeated === -1 ? undefined : repeated) as [Point, Point, Point?, Point?];
  if (to.lambda === s0.lambda) return { sample: 1, outputs: [], noise: 0 };
  const order = s1 === undefined ? 1 : s2 === undefined ? 2 : 3;
  const { sample, d0, d1, d2, noise } = dpmCoefficients(s0, to, algorithm, order === 3 ? 'heun' : solver);
  if (s1 === undefined) return { sample, outputs: [d0], noise };
  const h = to.lambda - s0.lambda;
  const r0 = (s0.lambda - s1.lambda) / h;
  // D1 = (m0 - m1) / r0
  if (s2 === undefined) return { sample, outputs: [d0 + d1 / r0, -d1 / r0], noise };
  const r1 = (s1.lambda - s2.lambda) / h;
  // D1 = a + (a - b) r0 / (r0 + r1) and D2 = (a - b) / (r0 + r1), with a = (m0 - m1) / r0 and b = (m1 - m2) / r1.
  const difference = (d1 * r0 + d2) / (r0 + r1);
  const [a, b] = [d1 + difference, -difference];
  return { sample, outputs: [d0 + a / r0, -a / r0 + b / r1, -b / r1], noise };
}

/**
 * A singlestep update: `points` are the target, then those of the predictions, newest first; the step starts at the oldest
 * of them, where the sample is kept.
 */
export function singlestepCoefficients(
  points: readonly Point[],
  algorithm: DpmAlgorithm,
  solver: DpmSolverType,
): { sample: number; outputs: number[]; noise: number } {
  const [to, s0] = points as readonly [Point, Point];
  const start = points.at(-1)!;
  const order = points.length - 1;
  const { sample, d0, d1, d2, noise } = dpmCoefficients(start, to, algorithm, order === 3 ? 'heun' : solver);
  if (order === 1) return { sample, outputs: [d0], noise };
  const h = to.lambda - start.lambda;
  const r0 = (s0.lambda - start.lambda) / h;
  // D1 = (m0 - m1) / r0
  if (order === 2) return { sample, outputs: [d1 / r0, d0 - d1 / r0], noise };
  const r1 = (points[2]!.lambda - start.lambda) / h;
  // a = (m1 - m2) / r1 and b = (m0 - m2) / r0; midpoint: D1 = b; heun: D1 = (r0 a - r1 b) / (r0 - r1), D2 = 2 (b - a) / (r0 - r1).
  const isMidpoint = solver === 'midpoint';
  const a = isMidpoint ? 0 : (d1 * r0 - 2 * d2) / (r0 - r1);
  const b = isMidpoint ? d1 : (2 * d2 - d1 * r1) / (r0 - r1);
  return { sample, outputs: [b / r0, a / r1, d0 - a / r1 - b / r0], noise };
}
