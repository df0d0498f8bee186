import type { Tableau } from '../core/tableau.ts';

/** Euler's method (Institutionum calculi integralis, 1768). One evaluation per step. */
export const euler: Tableau = { name: 'euler', order: 1, c: [0], a: [[]], b: [1] };
