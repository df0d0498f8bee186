import type { Read } from './space.ts';

/** Runs a solve to its end, reading from the device as it asks. */
export function runNow<R>(solve: Generator<Read, R, number>): R {
  let turn = solve.next();
  while (turn.done !== true) {
    let value: number;
    try {
      value = typeof turn.value === 'number' ? turn.value : turn.value.now();
    } catch (error) {
      turn = solve.throw(error);
      continue;
    }
    turn = solve.next(value);
  }
  return turn.value;
}

/** As {@link runNow}, awaiting the reads, and letting other tasks run at least every `pause` milliseconds. */
export async function runLater<R>(solve: Generator<Read, R, number>, pause: number): Promise<R> {
  let rested = performance.now();
  let turn = solve.next();
  while (turn.done !== true) {
    let value: number;
    try {
      value = typeof turn.value === 'number' ? turn.value : await turn.value.later();
      if (performance.now() - rested > pause) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        rested = performance.now();
      }
    } catch (error) {
      turn = solve.throw(error);
      continue;
    }
    turn = solve.next(value);
  }
  return turn.value;
}
