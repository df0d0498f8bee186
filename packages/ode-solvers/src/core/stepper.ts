import type { Method } from './method.ts';
import type { System } from './space.ts';

/** Where a solve stands: all that the next step needs. */
export interface Stand<Y> {
  t: number;
  y: Y;
  /** What the method hands on, such as the last derivative. */
  carry: readonly Y[];
}

/** What came of a step. */
export interface StepTaken<S> {
  /** After the step; the state before stays as it is, to be tried again with a shorter step. */
  state: S;
  /** Error in units of the tolerance, for methods that estimate it; Infinity where an implicit step did not converge. */
  errorRatio: number | undefined;
}

/** A method's first stand. */
export function standAt<Y>(system: System<Y>, method: Method, t: number, y: Y): Stand<Y> {
  const { space } = system;
  return space.scope(() => ({ t, y: space.combine(y, 0, [], []), carry: method.start(system, t, y) }));
}

/** One step from a stand. */
export function stepFrom<Y>(
  system: System<Y>,
  method: Method,
  { t, y, carry }: Stand<Y>,
  h: number,
): StepTaken<Stand<Y>> {
  const { space } = system;
  return space.scope(() => {
    const result = method.step(system, y, carry, { t, h, tStart: t, tEnd: t + h });
    if (result.failed === true) return { state: { t, y: space.combine(y, 0, [], []), carry }, errorRatio: Infinity };
    const read = result.error === undefined ? undefined : space.scaledNorm(result.error, y, result.y);
    const errorRatio = typeof read === 'object' ? read.now() : read;
    return { state: { t: t + h, y: result.y, carry: result.carry }, errorRatio };
  });
}
