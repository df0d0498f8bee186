import { invalidArgument } from '@missing-u/errors';
import { RandomError } from './errors.ts';
import type { GeneratorState } from './generator.ts';

export function checkCount(argument: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const allowed = `an integer from ${least} to ${most}`;
  throw new RandomError('RANDOM_BAD_COUNT', invalidArgument({ argument, value, allowed }));
}

/** A key that is none, such as a forgotten one, would give everyone the same stream. */
export function checkKey(key: number): void {
  if (Number.isSafeInteger(key)) return;
  const allowed = 'an integer between -(2^53 - 1) and 2^53 - 1';
  throw new RandomError('RANDOM_BAD_SEED', invalidArgument({ argument: 'key', value: key, allowed }));
}

/** An array of whole numbers would keep nothing of the numbers that are drawn. */
export function checkArray(out: unknown): void {
  if (out instanceof Float32Array || out instanceof Float64Array) return;
  const allowed = 'a Float32Array or Float64Array';
  throw new RandomError('RANDOM_BAD_ARRAY', invalidArgument({ argument: 'out', value: out, allowed }));
}

/** What a state holds, whatever was given as one. */
export function stateEntries(state: GeneratorState | null): Partial<GeneratorState> {
  return typeof state === 'object' ? (state ?? {}) : {};
}

/** Whether a value can be the words of a state: with all of them 0 a generator gives zeros for ever. */
export function areWords(value: unknown, count: number): value is number[] {
  return Array.isArray(value) && value.length === count && value.every(isWord) && value.some((word) => word !== 0);
}

function isWord(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
}

/** Whether a value can be the half of a pair of normals that is not handed out yet. */
export function isSpare(value: unknown): value is number | null {
  return value === null || Number.isFinite(value);
}
