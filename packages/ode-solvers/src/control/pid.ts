import type { AdaptiveSteps } from './options.ts';

/**
 * The factor from one step's length to the next from error ratios (1 is the tolerance), Söderlind's digital filter form of
 * a PID controller (G. Söderlind, "Digital filters in adaptive time-stepping", ACM TOMS 29, 2003). With i = 1 and p = d = 0
 * it is the elementary controller safety · ratio^(-1/order), torchdiffeq's.
 */
export function createController(order: number, { pid: { p, i, d }, safety, ifactor, dfactor }: AdaptiveSteps) {
  const exponents = [(p + i + d) / order, -(p + 2 * d) / order, d / order] as const;
  const elementary = p === 0 && d === 0;
  /** Ratios of the two accepted steps before. */
  let before: [number, number] = [1, 1];
  return {
    factor(ratio: number, accepted: boolean): number {
      if (!Number.isFinite(ratio)) return dfactor;
      if (ratio === 0) return ifactor;
      // As exp and log, which take a third of the time of a power.
      let filtered = Math.exp(-exponents[0] * Math.log(ratio));
      if (!elementary) {
        filtered *= before[0] ** -exponents[1] * before[1] ** -exponents[2];
        if (accepted) before = [ratio, before[0]];
      }
      // A step that was accepted with room to spare is not shortened.
      return Math.min(ifactor, Math.max(safety * filtered, ratio < 1 && accepted ? 1 : dfactor));
    },
  };
}
