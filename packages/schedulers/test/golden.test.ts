import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { goldenCases, runGolden, titleOf } from './golden.ts';
import { runSpecial } from './special.ts';

/** Reached differences by class, case and precision; written to docs/schedulers/differences.md where MISSING_U_WRITE_DOCS is set. */
const reached: { name: string; title: string; float64: number; float32: number }[] = [];

afterAll(() => {
  if (process.env['MISSING_U_WRITE_DOCS'] === undefined) return;
  const rows = reached.map(({ name, title, float64, float32 }) => {
    const [a, b] = [float64.toExponential(1), float32.toExponential(1)];
    return `| ${name} | ${title} | ${a} | ${b} |`;
  });
  const head = ['| class | configuration | float64 | float32 |', '| --- | --- | --- | --- |'];
  const folder = new URL('../../../docs/schedulers/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL('differences.md', folder), `${INTRODUCTION}\n\n${[...head, ...rows].join('\n')}\n`);
});

const INTRODUCTION = `# Reached differences

Whole loops of diffusers 0.42.1 (tools/reference/schedulers, 768 numbers, the model x t/(t+1)) against this package on plain
arrays with \`matchDiffusers\`: the difference of Σ|x| at the end, relative to it. Left with every float32 of diffusers
replaced by float64, right as it is, with \`precision: 'float32'\`. Noise is that of \`torch.manual_seed(0)\`; torch's normals
are known to 1e-6, which is what is left in the stochastic rows on the left. Written by \`MISSING_U_WRITE_DOCS=1 vitest run
test/golden.test.ts\`.`;

function relative(value: number, expected: number): number {
  return Math.abs(value - expected) / Math.max(Math.abs(expected), 1e-3);
}

/**
 * Full loops of diffusers 0.42.1. In float64 the same formulas have to give the same digits. In float32 every operation of
 * torch rounds, and where those roundings go is not the scheduler's doing, so a few units of float32 are allowed.
 */
describe.each([
  ['discrete', runGolden],
  ['sigmas', runGolden],
  ['lambdas', runGolden],
  ['others', runGolden],
  ['edges', runGolden],
  ['special', runSpecial],
] as const)('%s', (fixture, run) => {
  it.each(goldenCases(fixture).map((golden) => [titleOf(golden), golden] as const))('%s', (_, golden) => {
    const exact = run(golden, 'float64');
    // Noise alone is float32, and ours differs from torch's by 1e-6 (see @missing-u/random).
    const scale = Math.max(1, ...golden.float64.values.map(Math.abs));
    expect(exact.timesteps).toBeAllClose(golden.float64.timesteps, { rtol: 1e-12, atol: 1e-9 });
    expect(exact.values).toBeAllClose(golden.float64.values, { rtol: 1e-6, atol: 2e-6 * scale });
    expect(exact.sum).toBeAllClose(golden.float64.sum, { rtol: 1e-6 });
    const { sigmas } = golden.float64;
    if (sigmas !== undefined) expect(exact.sigmas).toBeAllClose(sigmas, { rtol: 1e-9, atol: 1e-12 });

    const shown = titleOf(golden)
      .slice(golden.class.length + 1)
      .replaceAll('|', '/');
    const differences = (sum64: number, sum32: number) => ({
      float64: relative(sum64, golden.float64.sum),
      float32: relative(sum32, golden.float32.sum),
    });
    // Under the cosine schedule σ reaches 20 000, and torch's float32 differences of such numbers keep few digits.
    const loss = golden.config['beta_schedule'] === 'squaredcos_cap_v2' ? 10 : 1;
    const rounded = run(golden, 'float32');
    reached.push({ name: golden.class, title: shown, ...differences(exact.sum, rounded.sum) });
    expect(rounded.sum).toBeAllClose(golden.float32.sum, { rtol: 5e-5 * loss, atol: 1e-3 });
    expect(rounded.values).toBeAllClose(golden.float32.values, { rtol: 1e-4 * loss, atol: 1e-5 * scale });
  });
});
