import type { Tableau } from '../core/tableau.ts';

/** Heun's method of order 3 (K. Heun, 1900). */
export const heun3: Tableau = {
  name: 'heun3',
  order: 3,
  c: [0, 1 / 3, 2 / 3],
  a: [[], [1 / 3], [0, 2 / 3]],
  b: [1 / 4, 0, 3 / 4],
};
