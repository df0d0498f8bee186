import { describe, expect, it } from 'vitest';
import { goldenCases, runGolden, titleOf } from './golden.ts';

/**
 * Full loops of diffusers 0.42.1. In float64 the same formulas have to give the same digits. In float32 every operation of
 * torch rounds, and where those roundings go is not the scheduler's doing, so a few units of float32 are allowed.
 */
describe.each(['discrete', 'sigmas', 'lambdas', 'others'])('%s', (fixture) => {
  it.each(goldenCases(fixture).map((golden) => [titleOf(golden), golden] as const))('%s', (_, golden) => {
    const exact = runGolden(golden, 'float64');
    // Noise alone is float32, and ours differs from torch's by 1e-6 (see @missing-u/random).
    const scale = Math.max(1, ...golden.float64.values.map(Math.abs));
    expect(exact.timesteps).toBeAllClose(golden.float64.timesteps, { rtol: 1e-12, atol: 1e-9 });
    expect(exact.values).toBeAllClose(golden.float64.values, { rtol: 1e-6, atol: 2e-6 * scale });
    expect(exact.sum).toBeAllClose(golden.float64.sum, { rtol: 1e-6 });

    // Under the cosine schedule σ reaches 20 000, and torch's float32 differences of such numbers keep few digits.
    const loss = golden.config['beta_schedule'] === 'squaredcos_cap_v2' ? 10 : 1;
    const rounded = runGolden(golden, 'float32');
    expect(rounded.sum).toBeAllClose(golden.float32.sum, { rtol: 5e-5 * loss, atol: 1e-3 });
    expect(rounded.values).toBeAllClose(golden.float32.values, { rtol: 1e-4 * loss, atol: 1e-5 * scale });
  });
});
