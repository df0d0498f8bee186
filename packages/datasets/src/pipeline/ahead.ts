/** How a piece of work ended. */
export type Outcome<Result> = { readonly result: Result } | { readonly error: unknown };

/**
 * What `start` gives for each item, in order, with up to `count` under way: pictures that are decoded by threads of sharp's do
 * not wait for each other.
 */
export async function* ahead<Item, Result>(
  items: Iterable<Item>,
  count: number,
  start: (item: Item) => Promise<Result>,
): AsyncGenerator<[Item, Outcome<Result>], undefined, undefined> {
  const running: [Item, Promise<Outcome<Result>>][] = [];
  const due = async (): Promise<[Item, Outcome<Result>]> => {
    const [item, outcome] = running.shift()!;
    return [item, await outcome];
  };
  for (const item of items) {
    const outcome = start(item).then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    running.push([item, outcome]);
    if (running.length >= count) yield await due();
  }
  while (running.length > 0) yield await due();
}

/** Enough to keep sharp's threads busy, few enough for pictures of any size. */
export const DECODES_AHEAD = 4;
