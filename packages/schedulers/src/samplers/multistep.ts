import type { Coefficient } from '../arithmetic/arithmetic.ts';
import { dpmCoefficients, multistepCoefficients, pointOf, type DpmSolverType } from '../dpm-update.ts';
import { lmsCoefficient } from '../lms.ts';
import type { Sample } from '../sample.ts';
import type { Denoiser } from './denoisers.ts';
import { walk, type SamplerOptions } from './loop.ts';

/** Linear multistep of up to `order` derivatives (k-diffusion's `sample_lms`). */
export function sampleLms<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: SamplerOptions<A> & { order?: number } = {},
): A {
  const levels = Float64Array.from(sigmas);
  const { order = 4 } = options;
  return walk(denoiser, x, sigmas, options, ({ ops, x: at, i, sigma, denoise, history }) => {
    history.push(ops, ops.combine([1 / sigma, at], [-1 / sigma, denoise()]), order);
    const terms: [Coefficient, A][] = [[1, at]];
    for (let back = 0; back < history.length; back++) {
      terms.push([lmsCoefficient(levels, i, history.length, back), history.at<A>(back)]);
    }
    return ops.combine(...terms);
  });
}

/** DPM-Solver++ (2M) (Lu et al. 2022, algorithm 2). */
export function sampleDpmpp2m<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: SamplerOptions<A> = {},
): A {
  const levels = Float64Array.from(sigmas);
  return walk(denoiser, x, sigmas, options, ({ ops, x: at, i, next, denoise, history }) => {
    history.push(ops, denoise(), 2);
    const order = next === 0 ? 1 : history.length;
    const points = Array.from({ length: order + 1 }, (_, back) => pointOf(1, levels[i + 1 - back]!));
    const { sample, outputs } = multistepCoefficients(points, 'dpmsolver++', 'midpoint');
    return ops.combine([sample, at], ...outputs.map((c, back): [Coefficient, A] => [c, history.at<A>(back)]));
  });
}

/** SDE-DPM-Solver++ (2M): `eta` scales its noise, 0 leaving the deterministic solver (k-diffusion's `sample_dpmpp_2m_sde`). */
export function sampleDpmpp2mSde<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: SamplerOptions<A> & { eta?: number; solverType?: DpmSolverType } = {},
): A {
  const levels = Float64Array.from(sigmas);
  const { eta = 1, sNoise = 1, solverType = 'midpoint' } = options;
  return walk(denoiser, x, sigmas, options, ({ ops, x: at, i, sigma, next, denoise, noise, history }) => {
    history.push(ops, denoise(), 2);
    if (next === 0) return ops.combine([1, history.at<A>(0)]);
    const h = Math.log(sigma / next);
    const full = -Math.expm1(-h * (1 + eta));
    const terms: [Coefficient, A][] = [[(next / sigma) * Math.exp(-h * eta), at]];
    if (history.length < 2) terms.push([full, history.at<A>(0)]);
    else {
      const ratio = Math.log(levels[i - 1]! / sigma) / h;
      const slope = solverType === 'midpoint' ? full / 2 : full / (-h * (1 + eta)) + 1;
      terms.push([full + slope / ratio, history.at<A>(0)], [-slope / ratio, history.at<A>(1)]);
    }
    const up = next * Math.sqrt(-Math.expm1(-2 * h * eta));
    if (up > 0) terms.push([up * sNoise, noise()]);
    return ops.combine(...terms);
  });
}

/** SDE-DPM-Solver++ (3M) (k-diffusion's `sample_dpmpp_3m_sde`); `eta` 0 is the deterministic third-order solver. */
export function sampleDpmpp3mSde<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: SamplerOptions<A> & { eta?: number } = {},
): A {
  const levels = Float64Array.from(sigmas);
  const { eta = 1, sNoise = 1 } = options;
  return walk(denoiser, x, sigmas, options, ({ ops, x: at, i, sigma, next, denoise, noise, history }) => {
    history.push(ops, denoise(), 3);
    if (next === 0) return ops.combine([1, history.at<A>(0)]);
    const h = Math.log(sigma / next);
    const weight = h * (eta + 1);
    const phi1 = -Math.expm1(-weight);
    const phi2 = Math.expm1(-weight) / weight + 1;
    const phi3 = phi2 / weight - 0.5;
    const outputs = [phi1];
    if (history.length > 1) {
      const r0 = Math.log(levels[i - 1]! / sigma) / h;
      if (history.length === 2) outputs.splice(0, 1, phi1 + phi2 / r0, -phi2 / r0);
      else {
        const r1 = Math.log(levels[i - 2]! / levels[i - 1]!) / h;
        // D1 = a + (a - b) r0 / (r0 + r1) and D2 = (a - b) / (r0 + r1), with a = (m0 - m1) / r0 and b = (m1 - m2) / r1.
        const difference = (phi2 * r0 - phi3) / (r0 + r1);
        const [a, b] = [phi2 + difference, -difference];
        outputs.splice(0, 1, phi1 + a / r0, -a / r0 + b / r1, -b / r1);
      }
    }
    const terms: [Coefficient, A][] = [[Math.exp(-weight), at]];
    outputs.forEach((coefficient, back) => terms.push([coefficient, history.at<A>(back)]));
    const up = next * Math.sqrt(-Math.expm1(-2 * h * eta));
    if (up > 0) terms.push([up * sNoise, noise()]);
    return ops.combine(...terms);
  });
}

/** DDIM and DPM-Solver++ (1) on noise levels: the exponential integrator of first order. */
export function sampleDdim<A extends Sample>(
  denoiser: Denoiser<A>,
  x: A,
  sigmas: ArrayLike<number>,
  options: SamplerOptions<A> = {},
): A {
  return walk(denoiser, x, sigmas, options, ({ ops, x: at, sigma, next, denoise }) => {
    const { sample, d0 } = dpmCoefficients(pointOf(1, sigma), pointOf(1, next), 'dpmsolver++', 'midpoint');
    return ops.combine([sample, at], [d0, denoise()]);
  });
}
