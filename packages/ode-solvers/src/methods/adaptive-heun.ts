import type { Tableau } from '../core/tableau.ts';

/** Heun 2 with Euler as its error estimate; one evaluation per step (predict, evaluate, correct). */
export const adaptiveHeun: Tableau = {
  name: 'adaptive_heun',
  order: 2,
  c: [0, 1],
  a: [[], [1]],
  b: [1 / 2, 1 / 2],
  error: [1 / 2, -1 / 2],
  reuseLast: true,
};
