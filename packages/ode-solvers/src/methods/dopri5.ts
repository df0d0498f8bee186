import type { Tableau } from '../core/tableau.ts';

const b = [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0] as const;

/**
 * Dormand and Prince's pair 5(4) (J. Comput. Appl. Math. 6, 1980), first same as last: six evaluations per step. Error
 * weights and midpoint are Shampine's (L. F. Shampine, "Some practical Runge-Kutta formulas", Math. Comp. 46, 1986), as in
 * torchdiffeq; SciPy and Hairer use other error weights and so take other steps.
 */
export const dopri5: Tableau = {
  name: 'dopri5',
  order: 5,
  c: [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1],
  a: [
    [],
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  ],
  b,
  error: [
    b[0] - 1951 / 21600,
    0,
    b[2] - 22642 / 50085,
    b[3] - 451 / 720,
    b[4] + 12231 / 42400,
    b[5] - 649 / 6300,
    -1 / 60,
  ],
  mid: [
    6025192743 / 30085553152 / 2,
    0,
    51252292925 / 65400821598 / 2,
    -2691868925 / 45128329728 / 2,
    187940372067 / 1594534317056 / 2,
    -1776094331 / 19743644256 / 2,
    11237099 / 235043384 / 2,
  ],
  reuseLast: true,
};
