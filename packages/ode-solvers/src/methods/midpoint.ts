import type { Tableau } from '../core/tableau.ts';

/** The explicit midpoint rule (C. Runge, 1895). */
export const midpoint: Tableau = { name: 'midpoint', order: 2, c: [0, 1 / 2], a: [[], [1 / 2]], b: [0, 1] };
