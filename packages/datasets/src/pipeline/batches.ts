import type { View } from '../view.ts';
import type { ArrayBatch, RawBatch, TensorBatch } from './batch.ts';
import { checkState, stateOf, type BatchesState } from './cursor.ts';
import { finisher } from './finish.ts';
import { WorkerPool } from '../workers/pool.ts';
import { loadBatch } from './load.ts';
import type { Settings } from './options.ts';
import { epochOrder, shardLength, type OrderOptions } from './order.ts';

interface Task {
  readonly epoch: number;
  readonly indices: Uint32Array;
  /** Where the iteration stands once this batch is out. */
  readonly after: readonly [epoch: number, position: number];
}

/**
 * The batches of a data set, and the place that has been reached in them. Leaving a loop early keeps the place: the next
 * loop goes on with the next batch. After the last batch a new loop begins anew.
 */
export class Batches<Batch extends TensorBatch | ArrayBatch> implements AsyncIterableIterator<Batch> {
  readonly #view: View;
  readonly #settings: Settings;
  readonly #order: OrderOptions;
  #epoch = 0;
  #position = 0;
  #running: AsyncGenerator<Batch, undefined, undefined> | undefined;
  #ended = false;

  constructor(view: View, settings: Settings) {
    this.#view = view.with({ steps: [...view.steps, ...settings.steps] });
    this.#settings = settings;
    this.#order = { length: view.length, seed: settings.seed, shard: settings.shard };
  }

  /** Batches in one epoch. */
  get batchesPerEpoch(): number {
    const { batchSize, dropLast, shard } = this.#settings;
    const batches = shardLength(this.#order.length, shard) / batchSize;
    return dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /** The place behind the last batch that was handed out, as JSON. */
  state(): BatchesState {
    return stateOf(this.#order, this.#epoch, this.#position);
  }

  /**
   * Goes to a place that `state` returned, here or in another process: the next batch begins with the very next example.
   * A loop that is under way has to be left first.
   *
   * @throws DatasetError `DATASETS_BAD_STATE`
   */
  async restore(state: BatchesState): Promise<void> {
    checkState(state, this.#order);
    await this.return();
    this.#epoch = state.epoch;
    this.#position = state.position;
    this.#ended = false;
  }

  [Symbol.asyncIterator](): this {
    if (this.#ended) {
      this.#epoch = 0;
      this.#position = 0;
      this.#ended = false;
    }
    return this;
  }

  async next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    this.#running ??= this.#iterate();
    try {
      const result = await this.#running.next();
      if (result.done) this.#running = undefined;
      this.#ended = result.done === true;
      return result;
    } catch (error) {
      // The place is still in front of the batch that failed, so that the caller can try again from there.
      this.#running = undefined;
      throw error;
    }
  }

  /** Ends the loop: stops the workers and drops what was prepared ahead. */
  async return(): Promise<IteratorResult<Batch, undefined>> {
    const running = this.#running;
    this.#running = undefined;
    await running?.return(undefined);
    return { done: true, value: undefined };
  }

  async *#iterate(): AsyncGenerator<Batch, undefined, undefined> {
    const { prefetch, workers } = this.#settings;
    const finish = await finisher(this.#settings);
    const pool = workers > 0 && this.#view.needsDecoding ? new WorkerPool(workers) : undefined;
    const limit = prefetch * Math.max(1, workers);
    const ahead: { task: Task; raw: Promise<RawBatch> }[] = [];
    const tasks = this.#tasks();
    try {
      for (;;) {
        for (let next; ahead.length <= limit && !(next = tasks.next()).done;) {
          const { indices, epoch } = next.value;
          const raw = loadBatch(this.#view, indices, epoch, this.#settings, pool);
          // A failure is reported when its batch is due; until then it is not unhandled.
          raw.catch(() => undefined);
          ahead.push({ task: next.value, raw });
        }
        const due = ahead.shift();
        if (due === undefined) return undefined;
        const raw = await due.raw;
        // Finishing can fail too, and the place moves only behind a batch that is out.
        const batch = raw.indices.length > 0 ? (finish(raw) as Batch) : undefined;
        [this.#epoch, this.#position] = due.task.after;
        if (batch !== undefined) yield batch;
      }
    } finally {
      await pool?.close();
    }
  }

  *#tasks(): Generator<Task, undefined, undefined> {
    const { batchSize, epochs, dropLast } = this.#settings;
    let position = this.#position;
    for (let epoch = this.#epoch; epoch < epochs; epoch++) {
      const order = epochOrder(this.#order, epoch);
      if (order.length < (dropLast ? batchSize : 1)) return;
      while (position < order.length) {
        const end = Math.min(position + batchSize, order.length);
        if (dropLast && end - position < batchSize) break;
        const last = end + (dropLast ? batchSize : 1) > order.length;
        yield { epoch, indices: order.slice(position, end), after: last ? [epoch + 1, 0] : [epoch, end] };
        position = end;
      }
      position = 0;
    }
  }
}
