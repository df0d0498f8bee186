import type { Tableau } from '../core/tableau.ts';

/** Bogacki and Shampine's pair 3(2) (Appl. Math. Lett. 2, 1989), first same as last: three evaluations per step. */
export const bosh3: Tableau = {
  name: 'bosh3',
  order: 3,
  c: [0, 1 / 2, 3 / 4, 1],
  a: [[], [1 / 2], [0, 3 / 4], [2 / 9, 1 / 3, 4 / 9]],
  b: [2 / 9, 1 / 3, 4 / 9, 0],
  error: [2 / 9 - 7 / 24, 1 / 3 - 1 / 4, 4 / 9 - 1 / 3, -1 / 8],
  reuseLast: true,
};
