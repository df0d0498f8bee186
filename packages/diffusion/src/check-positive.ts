import { invalidArgument } from '@missing-u/errors';
import { DiffusionError } from './errors.ts';

/**
 * Refuses counts that are not integers of 1 or more, by their names.
 *
 * @throws DiffusionError `DIFFUSION_BAD_COUNT`
 */
export function checkPositive(counts: Record<string, number>): void {
  for (const [argument, value] of Object.entries(counts)) {
    if (Number.isInteger(value) && value >= 1) continue;
    const allowed = 'an integer of 1 or more';
    throw new DiffusionError('DIFFUSION_BAD_COUNT', invalidArgument({ argument, value, allowed }));
  }
}
