import { SchedulerError, refuse } from './errors.ts';

/**
 * Where a scheduler with a memory stands in its timesteps. The first step may begin anywhere (image-to-image does); from
 * then on timesteps have to come in order, because what was kept belongs to the one before.
 */
export class Cursor {
  #next: number | undefined;

  /** The position of timestep t: the next one if the loop is under way, else where t is listed. */
  locate(timesteps: Float64Array, t: number): number {
    if (this.#next === undefined) return positionOf(timesteps, t);
    if (this.#next === timesteps.length) {
      const message =
        'step() was called after the last timestep: call reset() or setTimesteps() to start another sample.';
      throw new SchedulerError('SCHEDULER_FINISHED', message);
    }
    if (isSame(timesteps[this.#next]!, t)) return this.#next;
    const message =
      `step() was called with timestep ${t}, but ${timesteps[this.#next]} is next, and this scheduler keeps earlier steps: ` +
      'call reset() or setTimesteps() to start another sample.';
    throw new SchedulerError('SCHEDULER_OUT_OF_ORDER', message);
  }

  /** The position of t for a look that is no step. */
  peek(timesteps: Float64Array, t: number): number {
    const next = this.#next;
    if (next !== undefined && next < timesteps.length && isSame(timesteps[next]!, t)) return next;
    return positionOf(timesteps, t);
  }

  /** Counts the step at `position` as done; true after the last. */
  advance(timesteps: Float64Array, position: number): boolean {
    this.#next = position + 1;
    return this.#next === timesteps.length;
  }

  /** Begins the loop at a position, which its timestep does not tell where it is listed more than once. */
  begin(position: number): void {
    this.#next = position;
  }

  reset(): void {
    this.#next = undefined;
  }
}

/**
 * Where t is listed. Solvers of second order list a timestep twice, and a loop that begins there begins at its second
 * mention, where a step starts; the first timestep is listed once.
 */
function positionOf(timesteps: Float64Array, t: number): number {
  const first = timesteps.findIndex((listed) => isSame(listed, t));
  if (first === -1) {
    return refuse({
      argument: 't',
      value: t,
      allowed: 'one of `timesteps`',
      remedy: 'step through scheduler.timesteps',
    });
  }
  return first > 0 && first + 1 < timesteps.length && isSame(timesteps[first + 1]!, t) ? first + 1 : first;
}

/** Equal up to a float32's digits: timesteps pass through models, which round them. */
function isSame(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a));
}
