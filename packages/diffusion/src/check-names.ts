import { unknownName } from '@missing-u/errors';
import { DiffusionError } from './errors.ts';

/**
 * Refuses options that do not exist, such as `num_inference_steps`, which would be ignored.
 *
 * @param known every name; the type sees that none is missing
 * @throws DiffusionError `DIFFUSION_UNKNOWN_OPTION`
 */
export function checkNames<Options extends object>(options: Options, known: Record<keyof Options, true>): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    throw new DiffusionError('DIFFUSION_UNKNOWN_OPTION', unknownName('options', name, Object.keys(known)));
  }
}
