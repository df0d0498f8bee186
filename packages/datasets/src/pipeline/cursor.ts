import { invalidArgument } from '@missing-u/errors';
import { DatasetError } from '../errors.ts';
import { shardLength, type OrderOptions } from './order.ts';

/** Where an iteration stands, as JSON: how many examples of which epoch are behind it, and what the order depends on. */
export interface BatchesState {
  readonly epoch: number;
  /** Examples of this epoch that are done. */
  readonly position: number;
  readonly length: number;
  readonly seed: number | null;
  readonly shard: { readonly index: number; readonly count: number };
}

export function stateOf({ length, seed, shard }: OrderOptions, epoch: number, position: number): BatchesState {
  return { epoch, position, length, seed: seed ?? null, shard: { index: shard.index, count: shard.count } };
}

/**
 * Refuses a state that would continue in another order than the one it was taken in.
 *
 * @throws DatasetError `DATASETS_BAD_STATE`
 */
export function checkState(state: BatchesState, order: OrderOptions): void {
  const whole = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
  const { epoch, position } = state ?? {};
  const same = JSON.stringify(pick(state)) === JSON.stringify(pick(stateOf(order, epoch, position)));
  const end = Math.max(1, shardLength(order.length, order.shard));
  if (same && whole(epoch) && whole(position) && position < end) return;
  throw new DatasetError(
    'DATASETS_BAD_STATE',
    invalidArgument({
      argument: 'state',
      value: state,
      allowed: `a state of an iteration over ${order.length} examples with seed ${order.seed ?? 'none'} and shard ${order.shard.index} of ${order.shard.count}, at a position below ${end}`,
      remedy: 'with another order the same place does not exist',
    }),
  );
}

function pick(state: BatchesState): unknown[] {
  const { length, seed, shard } = state ?? {};
  return [length, seed, shard?.index, shard?.count];
}
