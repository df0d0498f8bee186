import type { Tableau } from '../core/tableau.ts';

/** Kutta's 3/8 rule (W. Kutta, 1901), which torchdiffeq calls `rk4`; the classical method is `rk4_classic`. */
export const rk4: Tableau = {
  name: 'rk4',
  order: 4,
  c: [0, 1 / 3, 2 / 3, 1],
  a: [[], [1 / 3], [-1 / 3, 1], [1, -1, 1]],
  b: [1 / 8, 3 / 8, 3 / 8, 1 / 8],
};
