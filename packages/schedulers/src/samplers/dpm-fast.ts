import { arithmeticOf } from '../arithmetic/choose.ts';
import { refuse } from '../errors.ts';
import { stepNoise } from '../noise.ts';
import type { Sample } from '../sample.ts';
import { ancestralLevels } from './ancestral.ts';
import type { Denoiser } from './denoisers.ts';
import { embeddedStep } from './dpm-step.ts';
import type { SamplerOptions } from './loop.ts';

export interface DpmFastOptions<A extends Sample> extends SamplerOptions<A> {
  /** 0 (the default) is the ODE; with noise, up to 1. */
  eta?: number;
}

/**
 * DPM-Solver-fast (Lu et al., "DPM-Solver", 2022, appendix D.3; k-diffusion's `sample_dpm_fast`): exactly `nfe` model calls
 * from σ_max to σ_min, which is above 0, in steps of third order as long as they last.
 */
export function sampleDpmFast<A extends Sample>(
  denoiser: Denoiser<A>,
  start: A,
  { sigmaMin, sigmaMax, nfe }: { sigmaMin: number; sigmaMax: number; nfe: number },
  options: DpmFastOptions<A> = {},
): A {
  if (!(sigmaMin > 0 && sigmaMin < sigmaMax)) {
    refuse({ argument: 'sigmaMin', value: sigmaMin, allowed: `above 0 and below sigmaMax, ${sigmaMax}` });
  }
  if (!(Number.isInteger(nfe) && nfe >= 1)) refuse({ argument: 'nfe', value: nfe, allowed: 'an integer of 1 or more' });
  const { eta = 0, sNoise = 1 } = options;
  const ops = arithmeticOf(start);
  const orders = ordersOf(nfe);
  const [first, end] = [-Math.log(sigmaMax), -Math.log(sigmaMin)];
  let x = start;
  try {
    for (const [i, order] of orders.entries()) {
      const [t, next] = [i, i + 1].map((k) => first + (k * (end - first)) / orders.length) as [number, number];
      const [sigma, to] = [Math.exp(-t), Math.exp(-next)];
      const target = eta > 0 ? Math.min(end, -Math.log(ancestralLevels(sigma, to, eta).down)) : next;
      const up = Math.sqrt(Math.max(0, to ** 2 - Math.exp(-target) ** 2));
      const from = x;
      const following = ops.scope(() => {
        const { higher, denoised } = embeddedStep(ops, denoiser, from, t, target, order);
        options.callback?.({ x: from, i, sigma, sigmaHat: sigma, denoised });
        return eta > 0 && up > 0 ? ops.combine([1, higher], [up * sNoise, stepNoise(ops, options)]) : higher;
      });
      if (from !== start) ops.release(from);
      x = following;
    }
    return x;
  } catch (error) {
    if (x !== start) ops.release(x);
    throw error;
  }
}

/** Steps of order 3, and what is left: 2 and 1, 1, or 2. */
function ordersOf(nfe: number): (1 | 2 | 3)[] {
  const steps = Math.floor(nfe / 3) + 1;
  const thirds = (count: number) => Array.from({ length: count }, () => 3 as const);
  if (nfe % 3 === 0) return [...thirds(steps - 2), 2, 1];
  return [...thirds(steps - 1), (nfe % 3) as 1 | 2];
}
