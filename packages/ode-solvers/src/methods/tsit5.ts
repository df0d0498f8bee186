import type { Tableau } from '../core/tableau.ts';

/**
 * Tsitouras' pair 5(4) (Ch. Tsitouras, Comput. Math. Appl. 62, 2011), first same as last: six evaluations per step, with
 * smaller error constants than `dopri5`. The midpoint is that of his free interpolant.
 */
export const tsit5: Tableau = {
  name: 'tsit5',
  order: 5,
  c: [0, 161 / 1000, 327 / 1000, 9 / 10, 0.9800255409045097, 1, 1],
  a: [
    [],
    [161 / 1000],
    [-0.008480655492356989, 0.335480655492357],
    [2.8971530571054935, -6.359448489975075, 4.3622954328695815],
    [5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525],
    [5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383],
    [0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774],
  ],
  b: [0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774, 0],
  error: [
    -0.00178001105222577714,
    -0.0008164344596567469,
    0.007880878010261995,
    -0.1447110071732629,
    0.5823571654525552,
    -0.45808210592918697,
    1 / 66,
  ],
  mid: midpointOfFreeInterpolant(),
  reuseLast: true,
};

/** The weights bᵢ(θ) of the paper's interpolant of order 4, at θ = 1/2. */
function midpointOfFreeInterpolant(): number[] {
  const theta = 1 / 2;
  const square = theta * theta;
  return [
    -1.0530884977290216 *
      theta *
      (theta - 1.329989018975141) *
      (square - 1.4364028541716351 * theta + 0.7139816917074209),
    0.1017 * square * (square - 2.1966568338249754 * theta + 1.2949852507374631),
    2.490627285651253 * square * (square - 2.3853564547206166 * theta + 1.578034682080925),
    -16.548102889244903 * (theta - 1.2171292729553325) * (theta - 0.6162040603780009) * square,
    47.37952196281928 * (theta - 1.2030712083723626) * (theta - 0.6580472926535474) * square,
    -34.87065786149661 * (theta - 1.2) * (theta - 2 / 3) * square,
    2.5 * (theta - 1) * (theta - 0.6) * square,
  ];
}
