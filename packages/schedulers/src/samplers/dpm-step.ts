import type { Arithmetic } from '../arithmetic/arithmetic.ts';
import type { Sample } from '../sample.ts';
import type { Denoiser } from './denoisers.ts';

/**
 * A step of DPM-Solver in t = -log σ (Lu et al., "DPM-Solver", 2022, algorithms 1 and 2), in terms of ε = (x - D)/σ, with the
 * solution of the order below from the same model calls; of first order there is none below.
 */
export function embeddedStep<A extends Sample>(
  ops: Arithmetic<A>,
  denoiser: Denoiser<A>,
  x: A,
  t: number,
  next: number,
  order: 1 | 2 | 3,
): { lower: A; higher: A; denoised: A } {
  const h = next - t;
  const sigma = (time: number) => Math.exp(-time);
  const noiseOf = (at: A, time: number, denoised = denoiser(at, sigma(time))) =>
    ops.combine([1 / sigma(time), at], [-1 / sigma(time), denoised]);
  const denoised = denoiser(x, sigma(t));
  const eps = noiseOf(x, t, denoised);
  const whole = -sigma(next) * Math.expm1(h);
  const order1 = ops.combine([1, x], [whole, eps]);
  if (order === 1) return { lower: order1, higher: order1, denoised };
  const r1 = order === 3 ? 1 / 3 : 1 / 2;
  const s1 = t + r1 * h;
  const u1 = ops.combine([1, x], [-sigma(s1) * Math.expm1(r1 * h), eps]);
  const eps1 = noiseOf(u1, s1);
  const second = whole / (2 * r1);
  const order2 = ops.combine([1, x], [whole - second, eps], [second, eps1]);
  if (order === 2) return { lower: order1, higher: order2, denoised };
  const r2 = 2 / 3;
  const s2 = t + r2 * h;
  const bend = -sigma(s2) * (r2 / r1) * (Math.expm1(r2 * h) / (r2 * h) - 1);
  const u2 = ops.combine([1, x], [-sigma(s2) * Math.expm1(r2 * h) - bend, eps], [bend, eps1]);
  const eps2 = noiseOf(u2, s2);
  const third = (-sigma(next) / r2) * (Math.expm1(h) / h - 1);
  return { lower: order2, higher: ops.combine([1, x], [whole - third, eps], [third, eps2]), denoised };
}
