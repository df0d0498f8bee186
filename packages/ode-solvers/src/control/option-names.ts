import { invalidArgument, unknownName } from '@missing-u/errors';
import { OdeError } from '../errors.ts';
import type { StepOptions } from './options.ts';

/** Every name of the options about steps. */
export const stepOptionNames: Record<keyof StepOptions, true> = {
  ...{ firstStep: true, minStep: true, maxStep: true, maxNumSteps: true, safety: true, ifactor: true, dfactor: true },
  ...{ pid: true, stepT: true, jumpT: true, stepSize: true, gridConstructor: true, interp: true, perturb: true },
};

/** Refuses options that do not exist, such as `tol` or `step_size`, which would be ignored. */
export function checkOptionNames<Options extends object>(options: Options, known: Record<keyof Options, true>): void {
  if (typeof options !== 'object' || (options as unknown) === null) {
    throw new OdeError('ODE_OPTION', invalidArgument({ argument: 'options', value: options, allowed: 'an object' }));
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name)) throw new OdeError('ODE_OPTION', unknownName('options', name, Object.keys(known)));
  }
}
