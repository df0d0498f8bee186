/**
 * Lets the event loop turn once: a page can paint, and Node can take signals and timers. An engine that computes on this
 * thread gives them no other chance.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
