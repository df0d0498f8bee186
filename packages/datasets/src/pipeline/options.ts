import { invalidArgument, unknownName } from '@missing-u/errors';
import { DatasetError } from '../errors.ts';
import { isStep, STEP, type Step } from '../step.ts';
import { isRange, RANGE, SIGNED, type Range } from './convert.ts';
import { checkShard, type Shard } from './order.ts';

/** How to go through a data set. */
export interface BatchOptions {
  /** Examples per batch. */
  batchSize: number;
  /** A new order in each epoch, drawn from this seed; without it, the order of the data set. */
  shuffle?: { readonly seed: number };
  /** How often to go through the data set; `Infinity` goes on for ever. 1 if left out. */
  epochs?: number;
  /** Leaves out the last, smaller batch of an epoch. */
  dropLast?: boolean;
  /** Steps after those of the data set: built-in transforms or functions of an example. */
  transform?: Step | readonly Step[];
  /** Batches to prepare ahead: 2 if left out (per worker, if there are workers). */
  prefetch?: number;
  /** Threads that read, decode, resize and crop, in Node; 0, the default, does it on this thread. */
  workers?: number;
  /** Takes one reader's share of each epoch. */
  shard?: Shard;
  /** `tensor` (the default) needs `@tensorflow/tfjs-core`; `array` gives typed arrays and needs nothing. */
  as?: 'tensor' | 'array';
  /** `float32` scaled to `range` (the default), or the bytes 0 .. 255 as they are: an int32 tensor or a `Uint8Array`. */
  dtype?: 'float32' | 'uint8';
  /** What the bytes 0 and 255 become in float images: [-1, 1] if left out, as models take them. */
  range?: Range;
  /**
   * What to do with a picture that cannot be decoded, because it is damaged or of a kind that is not read: `throw` (the
   * default), or `skip` it and list it with the reason in the batch.
   */
  corrupt?: 'throw' | 'skip';
}

export type Settings = Required<Omit<BatchOptions, 'shuffle' | 'transform'>> & {
  readonly seed: number | undefined;
  readonly steps: readonly Step[];
};

const NAMES = [
  'batchSize',
  'shuffle',
  'epochs',
  'dropLast',
  'transform',
  'prefetch',
  'workers',
  'shard',
  'as',
  'dtype',
  'range',
  'corrupt',
] as const satisfies readonly (keyof BatchOptions)[];

/**
 * Checks the options and fills in what was left out.
 *
 * @throws DatasetError `DATASETS_BAD_OPTION`
 */
export function settle(options: BatchOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    throw bad(invalidArgument({ argument: 'options', value: options, allowed: 'like { batchSize: 64 }' }));
  }
  for (const name of Object.keys(options)) {
    if (!(NAMES as readonly string[]).includes(name)) throw bad(unknownName('options', name, NAMES));
  }
  const { batchSize, shuffle, epochs = 1, dropLast = false, prefetch = 2, workers = 0 } = options;
  const { transform = [], shard = { index: 0, count: 1 }, range = SIGNED } = options;
  const { as = 'tensor', dtype = 'float32', corrupt = 'throw' } = options;
  const count = (argument: string, value: unknown, least: number, orInfinity = false) => {
    if ((Number.isInteger(value) && (value as number) >= least) || (orInfinity && value === Infinity)) return;
    const allowed = `an integer of ${least} or more${orInfinity ? ', or Infinity' : ''}`;
    throw bad(invalidArgument({ argument, value, allowed }));
  };
  const choice = (argument: string, value: string, allowed: readonly string[]) => {
    if (!allowed.includes(value)) throw bad(unknownName(argument, value, allowed));
  };
  count('batchSize', batchSize, 1);
  count('epochs', epochs, 0, true);
  count('prefetch', prefetch, 0);
  count('workers', workers, 0);
  checkShard(shard);
  if (shuffle !== undefined && !Number.isSafeInteger(shuffle?.seed)) {
    const remedy = 'without `shuffle` the order is that of the data set';
    throw bad(invalidArgument({ argument: 'shuffle', value: shuffle, allowed: 'like { seed: 0 }', remedy }));
  }
  choice('as', as, ['tensor', 'array']);
  choice('dtype', dtype, ['float32', 'uint8']);
  choice('corrupt', corrupt, ['throw', 'skip']);
  if (!isRange(range)) throw bad(invalidArgument({ argument: 'range', value: range, allowed: RANGE }));
  const steps = (Array.isArray(transform) ? transform : [transform]) as readonly Step[];
  for (const step of steps) {
    if (!isStep(step)) throw bad(invalidArgument({ argument: 'transform', value: step, allowed: STEP }));
  }
  const seed = shuffle?.seed;
  return { batchSize, epochs, dropLast, prefetch, workers, shard, as, dtype, range, corrupt, seed, steps };
}

function bad(message: string): DatasetError {
  return new DatasetError('DATASETS_BAD_OPTION', message);
}
