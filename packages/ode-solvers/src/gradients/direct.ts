import { drive } from '../core/drive.ts';
import type { Gradient } from './gradient.ts';

/**
 * Discretise, then optimise: differentiates through every operation of the solver. The exact gradient of what was
 * computed, the fastest, twice differentiable, and with a memory that grows with the number of evaluations.
 *
 * Step sizes are constants to it, in adaptive solves as well.
 */
export function direct(): Gradient {
  return { name: 'direct', solve: ({ order }) => drive(order) };
}
