import { show } from '@missing-u/errors';
import { SchedulerError, refuse } from './errors.ts';

/** How many timesteps, or which; `sigmas` for schedulers that work on noise levels. */
export type TimestepRequest = number | { timesteps: ArrayLike<number> } | { sigmas: ArrayLike<number> };

type ListName = 'timesteps' | 'sigmas';

/** The requests that a scheduler taking the lists `L` understands. */
type RequestOf<L extends ListName> = Extract<TimestepRequest, number | { [K in L]: Record<K, ArrayLike<number>> }[L]>;

/** Refuses a request that is neither a number nor an object with one of `lists`, or that names more than one. */
export function checkRequest<L extends ListName = never>(
  request: TimestepRequest,
  ...lists: L[]
): asserts request is RequestOf<L> {
  if (typeof request === 'number' || listsOf(request, lists) === 1) return;
  refuseRequest(request, lists);
}

/** As `checkRequest`, for a scheduler that takes both lists, at once too. */
export function checkAnyRequest(request: TimestepRequest): void {
  const lists: ListName[] = ['timesteps', 'sigmas'];
  if (typeof request === 'number' || listsOf(request, lists) > 0) return;
  refuseRequest(request, lists);
}

/** How many of `names` a request holds; 0 where it holds anything else. */
function listsOf(request: unknown, names: readonly string[]): number {
  if (typeof request !== 'object' || request === null) return 0;
  const entries = Object.entries(request);
  const isList = (list: unknown) => typeof list === 'object' && list !== null && 'length' in list;
  return entries.every(([key, list]) => names.includes(key) && isList(list)) ? entries.length : 0;
}

function refuseRequest(request: unknown, lists: readonly string[]): never {
  const forms = ['a number of steps', ...lists.map((list) => `{ ${list} }`)];
  const wanted = forms.length === 1 ? forms[0]! : `either ${forms.slice(0, -1).join(', ')} or ${forms.at(-1)!}`;
  throw new SchedulerError(
    'SCHEDULER_INVALID_ARGUMENT',
    `setTimesteps() wants ${wanted}; it was given ${describe(request)}.`,
  );
}

function describe(request: unknown): string {
  if (typeof request !== 'object' || request === null) return show(request);
  return `an object with ${Object.keys(request).join(' and ') || 'nothing in it'}`;
}

/** The number of steps of a request, checked. */
export function checkStepCount(count: number, most = Infinity): number {
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  const allowed = most === Infinity ? 'an integer of 1 or more' : `an integer from 1 to ${most}, the trained timesteps`;
  return refuse({ argument: 'numInferenceSteps', value: count, allowed });
}

/** A list of timesteps, checked: falling, and within the trained ones. */
export function checkTimesteps(timesteps: ArrayLike<number>, numTrainTimesteps: number): Float64Array {
  const list = Float64Array.from(timesteps);
  const within = list.every((t) => Number.isInteger(t) && t >= 0 && t < numTrainTimesteps);
  if (list.length > 0 && within && falls(list)) return list;
  const allowed = `a list of one or more integers from 0 to ${numTrainTimesteps - 1} in descending order`;
  return refuse({ argument: 'timesteps', value: timesteps, allowed });
}

/** Chosen timesteps or levels that may have fractions, in descending order from at most `most` down to at least 0. */
export function checkFalling(argument: ListName, values: ArrayLike<number>, most = Infinity): Float64Array {
  const list = Float64Array.from(values);
  const within = list.every((one) => Number.isFinite(one) && one >= 0 && one <= most);
  if (list.length > 0 && within && falls(list)) return list;
  const range = most === Infinity ? 'of 0 or more' : `from 0 to ${most}`;
  const allowed = `a list of one or more numbers ${range} in descending order`;
  return refuse({ argument, value: values, allowed });
}

function falls(list: Float64Array): boolean {
  return list.every((one, i) => i === 0 || one < list[i - 1]!);
}
