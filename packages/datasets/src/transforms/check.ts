import { invalidArgument } from '@missing-u/errors';
import { DatasetError } from '../errors.ts';

/** Height and width; a single number is both. */
export type Size = number | readonly [height: number, width: number];

/** @throws DatasetError `DATASETS_BAD_TRANSFORM` */
export function heightAndWidth(argument: string, size: Size): [height: number, width: number] {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  if (isPositive(height) && isPositive(width)) return [height, width];
  throw refused(argument, size, 'an integer of 1 or more, or [height, width] of such integers');
}

/** @throws DatasetError `DATASETS_BAD_TRANSFORM` */
export function checkSeed(seed: unknown): void {
  if (!Number.isSafeInteger(seed)) throw refused('seed', seed, 'an integer: random transforms are repeatable');
}

/** @throws DatasetError `DATASETS_BAD_TRANSFORM` */
export function checkProbability(probability: unknown): void {
  if (typeof probability === 'number' && probability >= 0 && probability <= 1) return;
  throw refused('probability', probability, 'a number from 0 to 1');
}

export function isPositive(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1;
}

export function refused(argument: string, value: unknown, allowed: string): DatasetError {
  return new DatasetError('DATASETS_BAD_TRANSFORM', invalidArgument({ argument, value, allowed }));
}
