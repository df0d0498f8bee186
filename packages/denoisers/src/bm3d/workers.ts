import { DenoisersError } from '../errors.ts';
import type { Aggregate } from './aggregate.ts';
import type { TileReply, TileRequest } from './serve.ts';
import type { TileTask } from './stages.ts';

/**
 * What is used of a `Worker` of `node:worker_threads`. By its shape, since naming the class would have every user's project
 * install the types of Node.
 */
export interface Thread {
  postMessage(message: unknown): void;
  terminate(): Promise<unknown>;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'error' | 'messageerror', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
}

/** A worker of a browser, or of Node. */
export type TileWorker = Worker | Thread;

interface Waiting {
  resolve(aggregates: readonly Aggregate[]): void;
  reject(error: unknown): void;
}

/** Workers that filter tiles, each one at a time; the rest waits in a queue. When one fails, all that waits fails with it. */
export class TileWorkers {
  readonly #workers: TileWorker[] = [];
  readonly #idle: TileWorker[] = [];
  readonly #queue: TileRequest[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #failure: DenoisersError | undefined;
  #closing = false;
  #next = 0;

  /** @throws DenoisersError `DENOISERS_WORKER_FAILED` */
  constructor(count: number, create: () => TileWorker) {
    try {
      while (this.#workers.length < count) this.#listen(create());
    } catch (error) {
      void this.close();
      throw failure(error);
    }
  }

  filter(task: TileTask): Promise<readonly Aggregate[]> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#waiting.set(id, { resolve, reject });
      this.#queue.push({ id, task });
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#workers.map(async (worker) => void (await worker.terminate())));
  }

  #listen(worker: TileWorker): void {
    const done = (reply: TileReply) => this.#done(worker, reply);
    const failed = (cause: unknown) => this.#failed(cause);
    const unread = () => failed(new Error('its answer could not be read'));
    if ('on' in worker) {
      worker.on('message', (reply) => done(reply as TileReply));
      worker.on('error', failed);
      worker.on('messageerror', unread);
      worker.on('exit', (code) => failed(new Error(`it ended with code ${code}`)));
    } else {
      worker.onmessage = ({ data }: MessageEvent<TileReply>) => done(data);
      worker.onerror = failed;
      worker.onmessageerror = unread;
    }
    // Only what could be listened to is one that close() can end.
    this.#workers.push(worker);
    this.#idle.push(worker);
  }

  #dispatch(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) this.#idle.pop()!.postMessage(this.#queue.shift()!);
  }

  #done(worker: TileWorker, { id, aggregates }: TileReply): void {
    // After a failure nobody waits any more.
    this.#waiting.get(id)?.resolve(aggregates);
    this.#waiting.delete(id);
    this.#idle.push(worker);
    this.#dispatch();
  }

  #failed(cause: unknown): void {
    if (this.#closing || this.#failure !== undefined) return;
    this.#failure = failure(cause);
    this.#queue.length = 0;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

function failure(cause: unknown): DenoisersError {
  const { message = String(cause) } = (cause ?? {}) as { message?: string };
  return new DenoisersError('DENOISERS_WORKER_FAILED', `A worker of bm3dAsync failed: ${message}.`, { cause });
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
