import { unknownName } from '@missing-u/errors';
import { DenoisersError } from './errors.ts';

/**
 * Refuses options that do not exist, such as `lr` or `batch_size`, which would be ignored.
 *
 * @param known has every name as a key
 * @throws DenoisersError `DENOISERS_UNKNOWN_OPTION`
 */
export function checkNames(argument: string, options: object, known: object): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    throw new DenoisersError('DENOISERS_UNKNOWN_OPTION', unknownName(argument, name, Object.keys(known)));
  }
}
