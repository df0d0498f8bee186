import type { Denoiser } from '../src/index.ts';

/** A mixture of isotropic normal distributions in the plane, whose noised scores are known exactly. */
export interface Mixture {
  weights: readonly number[];
  means: readonly (readonly [number, number])[];
  deviation: number;
}

export const MIXTURE: Mixture = {
  weights: [0.5, 0.3, 0.2],
  means: [
    [1, 0.5],
    [-1, 0.2],
    [0.2, -1],
  ],
  deviation: 0.25,
};

/** E[x0 | x = x0 + σ ε] for points (x, y) one after the other. */
export function exactDenoiser({ weights, means, deviation }: Mixture): Denoiser<Float64Array> {
  return (x, sigma) => {
    const variance = deviation ** 2 + sigma ** 2;
    const out = new Float64Array(x.length);
    for (let i = 0; i < x.length; i += 2) {
      const logs = means.map(
        ([a, b], k) => Math.log(weights[k]!) - ((x[i]! - a) ** 2 + (x[i + 1]! - b) ** 2) / (2 * variance),
      );
      const top = Math.max(...logs);
      const shares = logs.map((log) => Math.exp(log - top));
      const total = shares.reduce((sum, share) => sum + share, 0);
      for (const axis of [0, 1] as const) {
        const centre = means.reduce((sum, mean, k) => sum + (shares[k]! / total) * mean[axis], 0);
        out[i + axis] = centre + ((x[i + axis]! - centre) * deviation ** 2) / variance;
        // Within a component E[x0 | x] = m + (x - m) s²/(s² + σ²), which is linear in m.
      }
    }
    return out;
  };
}
