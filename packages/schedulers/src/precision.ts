/** How tables and coefficients are rounded: not at all, or to float32 wherever PyTorch's would be. */
export type Precision = 'float64' | 'float32';

export type Round = (value: number) => number;

export function rounding(precision: Precision): Round {
  return precision === 'float32' ? Math.fround : (value) => value;
}
