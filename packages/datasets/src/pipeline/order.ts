import { invalidArgument } from '@missing-u/errors';
import { createGenerator } from '@missing-u/random';
import { DatasetError } from '../errors.ts';

/** One of several readers of the same epoch: reader `index` of `count` takes every `count`-th example of the common order. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** @throws DatasetError `DATASETS_BAD_OPTION` */
export function checkShard(shard: Shard): void {
  const whole = (value: unknown, least: number) => Number.isInteger(value) && (value as number) >= least;
  const { index, count } = shard ?? {};
  if (whole(count, 1) && whole(index, 0) && index < count) return;
  const allowed = 'like { index: 0, count: 2 }: integers, `count` of 1 or more and `index` from 0 to below it';
  throw new DatasetError('DATASETS_BAD_OPTION', invalidArgument({ argument: 'shard', value: shard, allowed }));
}

/** In what order examples come. */
export interface OrderOptions {
  readonly length: number;
  /** Seed of the shuffling; undefined keeps the order of the data set. */
  readonly seed: number | undefined;
  readonly shard: Shard;
}

/**
 * The positions that one reader visits in one epoch. With a seed each epoch has its own permutation of the whole data set:
 * it depends on seed, epoch and length alone, so it is the same on every platform, for every number of workers and shards.
 */
export function epochOrder({ length, seed, shard }: OrderOptions, epoch: number): Uint32Array {
  const whole = seed === undefined ? counting(length) : createGenerator(seed).fork(epoch).permutation(length);
  if (shard.count === 1) return whole;
  const mine = new Uint32Array(shardLength(length, shard));
  for (let i = 0; i < mine.length; i++) mine[i] = whole[shard.index + i * shard.count]!;
  return mine;
}

/** How many of `length` examples a shard visits. */
export function shardLength(length: number, { index, count }: Shard): number {
  return Math.max(0, Math.ceil((length - index) / count));
}

/** 0 .. length - 1. */
export function counting(length: number): Uint32Array {
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  return order;
}
