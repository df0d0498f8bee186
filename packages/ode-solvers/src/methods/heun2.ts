import type { Tableau } from '../core/tableau.ts';

/** Heun's method of order 2, the explicit trapezoidal rule (K. Heun, 1900). */
export const heun2: Tableau = { name: 'heun2', order: 2, c: [0, 1], a: [[], [1]], b: [1 / 2, 1 / 2] };
