import { torchGenerator } from '@missing-u/random';

/** NumPy's `RandomState(seed).randn`: the Mersenne Twister that PyTorch seeds in the same way, and Marsaglia's polar method. */
export function randomState(seed: number): { randn(rows: number, columns: number): Float64Array } {
  const generator = torchGenerator(seed);
  const double = () => ((generator.uint32() >>> 5) * 2 ** 26 + (generator.uint32() >>> 6)) / 2 ** 53;
  let spare: number | undefined;
  const gauss = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    for (;;) {
      const [x, y] = [2 * double() - 1, 2 * double() - 1];
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      spare = factor * x;
      return factor * y;
    }
  };
  return { randn: (rows, columns) => Float64Array.from({ length: rows * columns }, gauss) };
}

/** Features of a seed: [rows, columns] standard normal numbers. */
export function features(state: { randn(rows: number, columns: number): Float64Array }, rows: number, columns: number) {
  return { data: state.randn(rows, columns), rows, columns };
}
