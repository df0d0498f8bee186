import { invalidArgument } from '@missing-u/errors';
import { createGenerator } from '@missing-u/random';
import type * as TfData from '@tensorflow/tfjs-data';
import { DatasetError } from './errors.ts';
import type { Example } from './image.ts';
import type { DatasetInfo } from './info.ts';
import type { ArrayBatch, TensorBatch } from './pipeline/batch.ts';
import { Batches } from './pipeline/batches.ts';
import { settle, type BatchOptions } from './pipeline/options.ts';
import { checkShard, counting, epochOrder, type Shard } from './pipeline/order.ts';
import { partSizes } from './pipeline/split.ts';
import { concatenate } from './sources/concat.ts';
import { isStep, STEP, type Step } from './step.ts';
import { toTfDataset, type TfDatasetOptions, type TfElement } from './tf-dataset.ts';
import type { View } from './view.ts';

/** A seed, alone or as `{ seed }`. */
export type Seed = number | { readonly seed: number };

/** What `filter` sees of an example. `image` is there where pictures lie in memory, and an error elsewhere. */
export type Entry = Pick<Example, 'label' | 'index' | 'image'>;

/**
 * Pictures with labels, by position. A data set is never changed: `take`, `shuffle` and the like return another one over
 * the same source, and cost an order of row numbers, not a copy of the pictures.
 */
export class Dataset {
  readonly #view: View;
  readonly info: DatasetInfo;

  constructor(view: View, info: DatasetInfo) {
    this.#view = view;
    this.info = info;
  }

  /** Examples. */
  get length(): number {
    return this.#view.length;
  }

  /** Names of the numbers in a label, where it has several. */
  get labelNames(): readonly string[] | undefined {
    return this.#view.labels?.names;
  }

  /**
   * One example, with its picture as bytes 0 .. 255 unless a step made floats of it. Random steps act as in epoch 0.
   *
   * @throws DatasetError `DATASETS_OUT_OF_RANGE`, `DATASETS_CORRUPT_IMAGE`
   */
  async get(index: number): Promise<Example> {
    if (Number.isInteger(index) && index >= 0 && index < this.length) return this.#view.load(index, 0);
    const allowed = `an integer from 0 to ${this.length - 1}`;
    throw new DatasetError('DATASETS_OUT_OF_RANGE', invalidArgument({ argument: 'index', value: index, allowed }));
  }

  /** The label of one example, without loading its picture. */
  labelOf(index: number): number | Int32Array | undefined {
    return this.#view.labelOf(index);
  }

  /**
   * The examples in batches, as tensors in [-1, 1] or, with `as: 'array'`, as typed arrays.
   *
   * @throws DatasetError `DATASETS_BAD_OPTION`
   */
  batches(options: BatchOptions & { as: 'array'; dtype: 'uint8' }): Batches<ArrayBatch<Uint8Array>>;
  batches(options: BatchOptions & { as: 'array'; dtype?: 'float32' }): Batches<ArrayBatch<Float32Array>>;
  batches(options: BatchOptions & { as?: 'tensor' }): Batches<TensorBatch>;
  batches(options: BatchOptions): Batches<TensorBatch | ArrayBatch>;
  batches(options: BatchOptions): Batches<TensorBatch | ArrayBatch> {
    return new Batches(this.#view, settle(options));
  }

  /**
   * Applies a built-in transform or a function to each example, when it is loaded.
   *
   * @throws DatasetError `DATASETS_BAD_TRANSFORM`
   */
  map(step: Step): Dataset {
    if (!isStep(step)) {
      const message = invalidArgument({ argument: 'step', value: step, allowed: STEP });
      throw new DatasetError('DATASETS_BAD_TRANSFORM', message);
    }
    return this.#with(this.#view.with({ steps: [...this.#view.steps, step] }));
  }

  /** The examples for which `keep` is true. It is asked about each once, now, and sees what comes before `map`. */
  filter(keep: (entry: Entry) => boolean): Dataset {
    if (typeof keep !== 'function') throw badOption('keep', keep, 'a function of an entry');
    return this.subset(counting(this.length).filter((index) => keep(entryOf(this.#view, index))));
  }

  /** The first `count` examples, or all if there are fewer. */
  take(count: number): Dataset {
    checkCount('count', count);
    return this.#at(counting(Math.min(count, this.length)));
  }

  /** All but the first `count` examples. */
  skip(count: number): Dataset {
    checkCount('count', count);
    return this.#at(counting(this.length).subarray(count));
  }

  /** One fixed random order. For a new order in each epoch use the option `shuffle` of `batches`. */
  shuffle(seed: Seed): Dataset {
    return this.#at(epochOrder({ length: this.length, seed: seedOf(seed), shard: { index: 0, count: 1 } }, 0));
  }

  /** The data set `count` times in a row. */
  repeat(count: number): Dataset {
    checkCount('count', count);
    const { length } = this;
    return this.#at(counting(length * count).map((index) => index % length));
  }

  /** Example i of this data set with example i of the other as `paired`; as long as the shorter one. */
  zip(other: Dataset): Dataset {
    const length = Math.min(this.length, other.length);
    return this.#with(this.take(length).#view.with({ paired: other.take(length).#view }));
  }

  /**
   * This data set, then the others.
   *
   * @throws DatasetError `DATASETS_LABELS_DIFFER`, `DATASETS_PAIRS_DIFFER`
   */
  concat(...others: Dataset[]): Dataset {
    return this.#with(concatenate([this.#view, ...others.map((other) => other.#view)]));
  }

  /** The examples at these positions, in this order; repetitions are allowed. */
  subset(indices: ArrayLike<number>): Dataset {
    for (let i = 0; i < indices.length; i++) {
      const value = indices[i];
      if (Number.isInteger(value) && value! >= 0 && value! < this.length) continue;
      const allowed = `an integer from 0 to ${this.length - 1}`;
      throw new DatasetError('DATASETS_OUT_OF_RANGE', invalidArgument({ argument: `indices[${i}]`, value, allowed }));
    }
    return this.#at(Uint32Array.from(indices));
  }

  /**
   * Disjoint random parts: `split([0.9, 0.1], { seed: 0 })`. Parts are fractions with sum 1 or less, or numbers of examples.
   *
   * @throws DatasetError `DATASETS_BAD_SPLIT`, `DATASETS_BAD_OPTION`
   */
  split(parts: readonly number[], seed: Seed): Dataset[] {
    const order = createGenerator(seedOf(seed)).permutation(this.length);
    let start = 0;
    return partSizes(parts, this.length).map((size) => this.#at(order.slice(start, (start += size))));
  }

  /** Every `count`-th example from `index` on: the share of one of several processes. */
  shard(shard: Shard): Dataset {
    checkShard(shard);
    return this.#at(epochOrder({ length: this.length, seed: undefined, shard }, 0));
  }

  /**
   * The examples as a `tf.data.Dataset` of `{ xs, ys }`, for people who chain `batch`, `map`, `shuffle` and `prefetch` there. It
   * needs `@tensorflow/tfjs-data`.
   *
   * @throws DatasetError `DATASETS_NEEDS_TFJS`
   */
  toTfDataset(options: TfDatasetOptions = {}): Promise<TfData.Dataset<TfElement>> {
    return toTfDataset(this, options);
  }

  /** Closes the files of the source, for this data set and all that were made from it. */
  async close(): Promise<void> {
    await this.#view.close();
  }

  #at(positions: Uint32Array): Dataset {
    return this.#with(this.#view.at(positions));
  }

  #with(view: View): Dataset {
    return new Dataset(view, this.info);
  }
}

function entryOf(view: View, index: number): Entry {
  const label = view.labelOf(index);
  return {
    ...(label !== undefined && { label }),
    index,
    get image() {
      const image = view.source.peek?.(view.rowOf(index));
      if (image !== undefined) return image;
      throw new DatasetError(
        'DATASETS_NOT_IN_MEMORY',
        `filter cannot look at ${view.nameOf(index)}, which is not in memory; filter by label or index, use \`cache()\` ` +
          'first, or find the positions in a loop and give them to `subset`.',
      );
    },
  };
}

function seedOf(seed: Seed): number {
  const value = typeof seed === 'object' ? seed?.seed : seed;
  if (Number.isSafeInteger(value)) return value;
  throw badOption('seed', seed, 'an integer, alone or like { seed: 0 }');
}

function checkCount(argument: string, value: number): void {
  if (Number.isInteger(value) && value >= 0) return;
  throw badOption(argument, value, 'an integer of 0 or more');
}

function badOption(argument: string, value: unknown, allowed: string): DatasetError {
  return new DatasetError('DATASETS_BAD_OPTION', invalidArgument({ argument, value, allowed }));
}
