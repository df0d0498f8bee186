import type { Channels } from '../decode/channels.ts';
import { decodeImage } from '../decode/decode.ts';
import { openStore, storeLength, type StoreSpec } from './store.ts';
import type { Source } from './source.ts';

/** How to read and decode pictures, as data: what a worker needs to know. */
export interface Recipe {
  readonly store: StoreSpec;
  readonly channels: Channels;
}

/** Encoded pictures on disk (Node). */
export function encodedSource(recipe: Recipe, nameOf: (row: number) => string): Source {
  const { store: spec, channels } = recipe;
  const store = openStore(spec);
  return {
    length: storeLength(spec),
    shape: undefined,
    recipe,
    load: async (row) => ({ image: await decodeImage(store.read(row), nameOf(row), channels) }),
    nameOf,
    close: () => Promise.resolve(store.close()),
  };
}
