import { arithmeticOf } from '../arithmetic/choose.ts';
import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import { SchedulerError, refuse } from '../errors.ts';
import { stepNoise } from '../noise.ts';
import type { Sample } from '../sample.ts';
import { ancestralLevels } from './ancestral.ts';
import { embeddedStep } from './dpm-step.ts';
import type { Denoiser } from './denoisers.ts';
import type { SamplerOptions } from './loop.ts';

export interface DpmAdaptiveOptions<A extends Sample> extends SamplerOptions<A> {
  /** 2 or 3 (the default): DPM-Solver-12 or DPM-Solver-23. */
  order?: 2 | 3;
  rtol?: number;
  atol?: number;
  /** The first step, in -log σ. */
  hInit?: number;
  /** Coefficients of the PID step size controller. */
  pcoeff?: number;
  icoeff?: number;
  dcoeff?: number;
  acceptSafety?: number;
  /** 0 is the ODE; with noise, up to 1. */
  eta?: number;
  /** Most steps tried before giving up. */
  maxSteps?: number;
}

export interface DpmAdaptiveInfo {
  steps: number;
  nfe: number;
  accepted: number;
  rejected: number;
}

/**
 * DPM-Solver with adaptive step size (Lu et al., "DPM-Solver", 2022, appendix C; controller of k-diffusion's
 * `sample_dpm_adaptive`), from σ_max to σ_min, which is above 0.
 *
 * @throws SchedulerError `SCHEDULER_MAX_STEPS` if σ_min is not reached in `maxSteps`.
 */
export function sampleDpmAdaptive<A extends Sample>(
  denoiser: Denoiser<A>,
  start: A,
  { sigmaMin, sigmaMax }: { sigmaMin: number; sigmaMax: number },
  options: DpmAdaptiveOptions<A> = {},
): { x: A; info: DpmAdaptiveInfo } {
  if (!(sigmaMin > 0 && sigmaMin < sigmaMax)) {
    refuse({ argument: 'sigmaMin', value: sigmaMin, allowed: `above 0 and below sigmaMax, ${sigmaMax}` });
  }
  const { order = 3, rtol = 0.05, atol = 0.0078, eta = 0, sNoise = 1, maxSteps = 10_000 } = options;
  const ops = arithmeticOf(start);
  const controller = new StepSizeController(eta > 0 ? 1.5 : order, options);
  const info: DpmAdaptiveInfo = { steps: 0, nfe: 0, accepted: 0, rejected: 0 };
  const end = -Math.log(sigmaMin);
  let s = -Math.log(sigmaMax);
  let x = start;
  // The low-order solution of the last accepted step, which scales the tolerance.
  let low = start;
  try {
    while (s < end - 1e-5) {
      if (info.steps === maxSteps) {
        const message = `sampleDpmAdaptive() reached σ = ${Math.exp(-s)} of ${sigmaMin} in maxSteps = ${maxSteps}: raise maxSteps, or rtol and atol.`;
        throw new SchedulerError('SCHEDULER_MAX_STEPS', message);
      }
      const t = Math.min(end, s + controller.h);
      const parts = ancestralLevels(Math.exp(-s), Math.exp(-t), eta);
      const target = eta > 0 ? Math.min(end, -Math.log(parts.down)) : t;
      const up = Math.sqrt(Math.max(0, Math.exp(-t) ** 2 - Math.exp(-target) ** 2));
      const [from, lastLow]: [A, A] = [x, low];
      const tried = ops.scope(() => {
        const { lower, higher, denoised } = embeddedStep(ops, denoiser, from, s, target, order);
        const error = scaledError(ops, lower, higher, lastLow, atol, rtol);
        options.callback?.({ x: from, i: info.steps, sigma: Math.exp(-s), sigmaHat: Math.exp(-s), denoised });
        if (!controller.propose(error)) return undefined;
        const next = up > 0 ? ops.combine([1, higher], [up * sNoise, stepNoise(ops, options)]) : higher;
        return { lower, next };
      });
      info.nfe += order;
      info.steps++;
      if (tried === undefined) info.rejected++;
      else {
        info.accepted++;
        if (x !== start) ops.release(x);
        if (low !== start) ops.release(low);
        [x, low, s] = [tried.next, tried.lower, t];
      }
    }
    return { x: ops.scope(() => ops.combine([1, x])), info };
  } finally {
    if (x !== start) ops.release(x);
    if (low !== start) ops.release(low);
  }
}

/** Root mean square of the difference over max(atol, rtol max(|lower|, |previous|)). */
function scaledError<A extends Sample>(
  ops: Arithmetic<A>,
  lower: A,
  higher: A,
  previous: A,
  atol: number,
  rtol: number,
): number {
  const [a, b, c] = [ops.values(lower), ops.values(higher), ops.values(previous)];
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const scale = Math.max(atol, rtol * Math.max(Math.abs(a[i]!), Math.abs(c[i]!)));
    sum += ((a[i]! - b[i]!) / scale) ** 2;
  }
  return Math.sqrt(sum / a.length);
}

/** A PID controller with an arctangent limiter (Söderlind 2003), in k-diffusion's form. */
class StepSizeController {
  h: number;
  readonly #exponents: readonly [number, number, number];
  readonly #safety: number;
  #errors: [number, number, number] | undefined;

  constructor(
    order: number,
    options: Pick<DpmAdaptiveOptions<Sample>, 'hInit' | 'pcoeff' | 'icoeff' | 'dcoeff' | 'acceptSafety'>,
  ) {
    const { hInit = 0.05, pcoeff = 0, icoeff = 1, dcoeff = 0, acceptSafety = 0.81 } = options;
    this.h = hInit;
    this.#safety = acceptSafety;
    this.#exponents = [(pcoeff + icoeff + dcoeff) / order, -(pcoeff + 2 * dcoeff) / order, dcoeff / order];
  }

  /** Whether a step of this error is good enough; sets the next step size either way. */
  propose(error: number): boolean {
    const inverse = 1 / (error + 1e-8);
    this.#errors ??= [inverse, inverse, inverse];
    this.#errors[0] = inverse;
    const raw = this.#errors.reduce((product, one, i) => product * one ** this.#exponents[i]!, 1);
    const factor = 1 + Math.atan(raw - 1);
    const isAccepted = factor >= this.#safety;
    if (isAccepted) this.#errors = [inverse, this.#errors[0], this.#errors[1]];
    this.h *= factor;
    return isAccepted;
  }
}
