import type { Worker as Thread } from 'node:worker_threads';
import { DenoisersError } from '../errors.ts';
import type { Aggregate } from './aggregate.ts';
import type { TileReply, TileRequest } from './serve.ts';
import type { TileTask } from './stages.ts';

/** A worker of a browser, or of Node. */
export type TileWorker = Worker | Thread;

interface Waiting {
  resolve(aggregates: readonly Aggregate[]): void;
  reject(error: unknown): void;
}

/** Workers that filter tiles, each one at a time; the rest waits in a queue. */
export class TileWorkers {
  readonly #workers: TileWorker[];
  readonly #idle: TileWorker[];
  readonly #queue: TileRequest[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  constructor(count: number, create: () => TileWorker) {
    this.#workers = Array.from({ length: count }, create);
    this.#idle = [...this.#workers];
    for (const worker of this.#workers) {
      const done = (reply: TileReply) => this.#done(worker, reply);
      const failed = (error: { message: string }) => this.#failed(error);
      if ('on' in worker) {
        worker.on('message', done);
        worker.on('error', failed);
      } else {
        worker.onmessage = ({ data }: MessageEvent<TileReply>) => done(data);
        worker.onerror = failed;
      }
    }
  }

  filter(task: TileTask): Promise<readonly Aggregate[]> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#queue.push({ id, task });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) await worker.terminate();
  }

  #dispatch(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) this.#idle.pop()!.postMessage(this.#queue.shift()!);
  }

  #done(worker: TileWorker, { id, aggregates }: TileReply): void {
    this.#waiting.get(id)!.resolve(aggregates);
    this.#waiting.delete(id);
    this.#idle.push(worker);
    this.#dispatch();
  }

  #failed(cause: { message: string }): void {
    const error = new DenoisersError('DENOISERS_WORKER_FAILED', `A worker of bm3dAsync failed: ${cause.message}.`, {
      cause,
    });
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** A worker of this platform that runs this package's own file. */
export function createTileWorker(): TileWorker {
  // Written out in one expression, which bundlers look for.
  if (typeof Worker !== 'undefined')
    return new Worker(new URL('./bm3d.worker.js', import.meta.url), { type: 'module' });
  const threads = process.getBuiltinModule('node:worker_threads');
  return new threads.Worker(new URL('./bm3d.worker.js', import.meta.url));
}

/** Processors of this machine. */
export function processors(): number {
  if (typeof navigator !== 'undefined' && navigator.hardwareConcurrency > 0) return navigator.hardwareConcurrency;
  return process.getBuiltinModule('node:os').availableParallelism();
}
