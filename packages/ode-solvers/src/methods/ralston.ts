import type { Tableau } from '../core/tableau.ts';

/** The two-stage method of smallest error bound (A. Ralston, Math. Comp. 16, 1962). */
export const ralston: Tableau = { name: 'ralston', order: 2, c: [0, 2 / 3], a: [[], [2 / 3]], b: [1 / 4, 3 / 4] };
