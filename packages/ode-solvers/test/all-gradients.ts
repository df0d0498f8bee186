import { adjoint, checkpointed, direct, reversible, type Gradient } from '../src/index.ts';

/** The kinds of gradient by name, each with its defaults; for `it.each`. */
export const allGradients: [string, () => Gradient][] = [
  ['direct', () => direct()],
  ['checkpointed', () => checkpointed()],
  ['adjoint', () => adjoint()],
  ['reversible', () => reversible()],
];
