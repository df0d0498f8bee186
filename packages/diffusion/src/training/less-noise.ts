import type { Generator } from '@missing-u/random';

/**
 * Factors for the noise of a batch's images: 1, and in a share of them a number drawn from 0 to 1, so that they have less noise
 * than their timestep says. Nothing tells the network which.
 *
 * The reverse process without fresh noise needs it, as in the denoising of the paper's section 5.2. There, with a perfect estimate
 * of x0, the noise left at t of an image that was noised to t0 is (sigma_t / sqrt(abar_t)) / (sigma_t0 / sqrt(abar_t0)) of what
 * timestep t stands for (the coefficient of x_t in Ho et al. 2020, eq. 7, multiplied over the steps), images that the simple loss
 * never shows.
 *
 * @param share from 0 to 1.
 * @returns [count]
 */
export function noiseFactors(generator: Generator, count: number, share: number): Float32Array {
  return Float32Array.from({ length: count }, () => {
    const [chosen, factor] = [generator.uniform() < share, generator.uniform()];
    return chosen ? factor : 1;
  });
}
