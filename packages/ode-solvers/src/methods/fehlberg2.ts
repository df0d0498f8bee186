import type { Tableau } from '../core/tableau.ts';

/** Fehlberg's pair 2(1) (E. Fehlberg, NASA TR R-315, 1969), going on with order 2; two evaluations per step. */
export const fehlberg2: Tableau = {
  name: 'fehlberg2',
  order: 2,
  c: [0, 1 / 2, 1],
  a: [[], [1 / 2], [1 / 256, 255 / 256]],
  b: [1 / 512, 255 / 256, 1 / 512],
  error: [-1 / 512, 0, 1 / 512],
  reuseLast: true,
};
