import { invalidArgument, unknownName } from '@missing-u/errors';
import type { OutputKind } from '../core/outputs.ts';
import { OdeError } from '../errors.ts';

/** Refuses what is no function, before anything is asked of it. */
export function checkField(f: unknown): void {
  if (typeof f === 'function') return;
  throw new OdeError('ODE_FIELD', invalidArgument({ argument: 'f', value: f, allowed: 'a function (t, y) => dy/dt' }));
}

const outputs: readonly OutputKind[] = ['times', 'steps', 'end'];

export function checkOutput(output: OutputKind): void {
  if (!outputs.includes(output)) throw new OdeError('ODE_OPTION', unknownName('output', output, outputs));
}

/** Refuses a callback that is given and no function. */
export function checkCallback(argument: string, value: unknown, allowed: string): void {
  if (value === undefined || typeof value === 'function') return;
  throw new OdeError('ODE_OPTION', invalidArgument({ argument, value, allowed }));
}

/** Refuses what only looks like a signal to somebody in a hurry, such as the controller. */
export function checkSignal(value: unknown): void {
  if (value === undefined || (typeof value === 'object' && value !== null && 'aborted' in value)) return;
  const remedy = 'an AbortController has one as its `signal`';
  throw new OdeError('ODE_OPTION', invalidArgument({ argument: 'signal', value, allowed: 'an AbortSignal', remedy }));
}

export function checkEvents(events: readonly { fn: unknown; direction?: unknown }[]): void {
  const refuse = (argument: string, value: unknown, allowed: string): never => {
    throw new OdeError('ODE_OPTION', invalidArgument({ argument, value, allowed }));
  };
  if (!Array.isArray(events)) refuse('events', events, 'an array of { fn, direction?, terminal? }');
  events.forEach((event: { fn: unknown; direction?: unknown } | null | undefined, i) => {
    if (typeof event !== 'object' || event === null) {
      return refuse(`events[${i}]`, event, 'an object { fn, direction?, terminal? }');
    }
    const { fn, direction = 0 } = event;
    if (typeof fn !== 'function') refuse(`events[${i}].fn`, fn, 'a function (t, y) => a number');
    if (![-1, 0, 1].includes(direction as number)) refuse(`events[${i}].direction`, direction, '-1, 0 or 1');
  });
}
