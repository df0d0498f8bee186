import type { VectorField } from '../src/float64/index.ts';

/** An analytic problem of one dimension or more, as in torchdiffeq's tests. */
export const analytic: Record<string, VectorField> = {
  constant: (t, y) => [0.2 + (y[0]! - (0.2 * t + 3)) ** 5],
  sine: (t, y) => [(2 * y[0]!) / t + t ** 4 * Math.sin(2 * t) - t ** 2 + 4 * t ** 3],
  decay: (_t, y) => [-0.1 * y[0]!],
  rotation: (_t, [a, b, c, d]) => [
    0.3 * b! - 0.2 * c! + 0.1 * d!,
    -0.3 * a! + 0.4 * c! - 0.1 * d!,
    0.2 * a! - 0.4 * b! + 0.25 * d!,
    -0.1 * a! + 0.1 * b! - 0.25 * c!,
  ],
};

const outerMass = [0.000954786104043, 0.000285583733151, 0.0000437273164546, 0.0000517759138449, 0.00000277777777778];

function planets(_t: number, y: Float64Array): number[] {
  const r3 = outerMass.map((_, i) => Math.hypot(y[3 * i]!, y[3 * i + 1]!, y[3 * i + 2]!) ** 3);
  const accelerations = outerMass.flatMap((mass, i) =>
    [0, 1, 2].map((axis) => {
      const x = (j: number) => y[3 * j + axis]!;
      let sum = (-(1.00000597682 + mass) * x(i)) / r3[i]!;
      outerMass.forEach((other, j) => {
        if (i === j) return;
        const d = Math.hypot(...[0, 1, 2].map((k) => y[3 * j + k]! - y[3 * i + k]!));
        sum += other * ((x(j) - x(i)) / d ** 3 - x(j) / r3[j]!);
      });
      return 2.95912208286 * sum;
    }),
  );
  return [...y.subarray(15), ...accelerations];
}

function kepler(_t: number, [x, y, u, v]: Float64Array): number[] {
  const r3 = Math.hypot(x!, y!) ** 3;
  return [u!, v!, -x! / r3, -y! / r3];
}

const chain =
  (rate: (i: number) => number): VectorField =>
  (_t, y, out) => {
    const last = y.length - 1;
    for (let i = 0; i <= last; i++)
      out[i] = (i === 0 ? 0 : rate(i) * y[i - 1]!) - (i === last ? 0 : rate(i + 1) * y[i]!);
  };

const diffusion: VectorField = (_t, y, out) => {
  for (let i = 0; i < y.length; i++) out[i] = (y[i - 1] ?? 0) - 2 * y[i]! + (y[i + 1] ?? 0);
};

/** T. E. Hull et al., "Comparing numerical methods for ordinary differential equations", SIAM J. Numer. Anal. 9, 1972. */
export const detest: Record<string, VectorField> = {
  A1: (_t, y) => [-y[0]!],
  A2: (_t, y) => [-(y[0]! ** 3) / 2],
  A3: (t, y) => [y[0]! * Math.cos(t)],
  A4: (_t, y) => [(y[0]! / 4) * (1 - y[0]! / 20)],
  A5: (t, y) => [(y[0]! - t) / (y[0]! + t)],
  B1: (_t, [a, b]) => [2 * (a! - a! * b!), -(b! - a! * b!)],
  B2: (_t, [a, b, c]) => [-a! + b!, a! - 2 * b! + c!, b! - c!],
  B3: (_t, [a, b]) => [-a!, a! - b! ** 2, b! ** 2],
  B4: (_t, [a, b, c]) => {
    const r = Math.hypot(a!, b!);
    return [-b! - (a! * c!) / r, a! - (b! * c!) / r, a! / r];
  },
  B5: (_t, [a, b, c]) => [b! * c!, -a! * c!, -0.51 * a! * b!],
  C1: chain(() => 1),
  C2: chain((i) => i),
  C3: diffusion,
  C4: diffusion,
  C5: planets,
  ...Object.fromEntries(['D1', 'D2', 'D3', 'D4', 'D5'].map((name) => [name, kepler])),
  E1: (t, [a, b]) => [b!, -(b! / (t + 1) + (1 - 0.25 / (t + 1) ** 2) * a!)],
  E2: (_t, [a, b]) => [b!, (1 - a! ** 2) * b! - a!],
  E3: (t, [a, b]) => [b!, a! ** 3 / 6 - a! + 2 * Math.sin(2.78535 * t)],
  E4: (_t, [, b]) => [b!, 0.032 - 0.4 * b! ** 2],
  E5: (t, [, b]) => [b!, Math.sqrt(1 + b! ** 2) / (25 - t)],
};

/** Robertson's kinetics and van der Pol's oscillator with μ = 1000. */
export const stiff: Record<string, VectorField> = {
  robertson: (_t, [a, b, c]) => [-0.04 * a! + 1e4 * b! * c!, 0.04 * a! - 1e4 * b! * c! - 3e7 * b! ** 2, 3e7 * b! ** 2],
  van_der_pol: (_t, [a, b]) => [b!, 1000 * (1 - a! ** 2) * b! - a!],
};
