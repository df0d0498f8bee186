import { freeStation, type Station } from './replay.ts';

/**
 * Differentiates the steps from `start` to `end` one by one, the last first, from the state before the first alone, with room
 * for `spare` more states: the binomial schedule (A. Griewank and A. Walther, "Revolve", ACM TOMS 26, 2000), which takes the
 * fewest steps again.
 *
 * @param from the state before step `start`; the caller's.
 * @param advance takes the step of an index.
 * @param differentiate goes back through the steps of a range, from the state before them.
 */
export function binomially(
  start: number,
  end: number,
  from: Station,
  spare: number,
  advance: (from: Station, index: number) => Station,
  differentiate: (start: number, end: number, from: Station) => void,
): void {
  let last = end;
  while (last - start > 1) {
    // Without room, every step is reached from the beginning.
    const middle = spare > 0 ? start + firstPart(last - start, spare) : last - 1;
    let state = from;
    for (let index = start; index < middle; index++) {
      const next = advance(state, index);
      if (state !== from) freeStation(state);
      state = next;
    }
    binomially(middle, last, state, spare - 1, advance, differentiate);
    freeStation(state);
    last = middle;
  }
  differentiate(start, last, from);
}

/** How far to go before the next state is kept: with β(s, r) = (s + r)! / (s! r!), β(s, r - 1) of the steps ≤ β(s, r). */
function firstPart(steps: number, spare: number): number {
  let [repeats, before, reach] = [0, 1, 1];
  while (reach < steps) {
    repeats++;
    before = reach;
    reach = (reach * (spare + repeats)) / repeats;
  }
  return Math.min(before, steps - 1);
}
