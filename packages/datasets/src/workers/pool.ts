import type { Worker } from 'node:worker_threads';
import { DatasetError } from '../errors.ts';
import { nodeModule } from '../platform.ts';
import type { Recipe } from '../sources/encoded.ts';
import type { Reply, Request } from './messages.ts';
import type { Task, TaskResult } from './task.ts';

interface Waiting {
  resolve(result: TaskResult): void;
  reject(error: unknown): void;
}

interface Member {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  /** Sources whose recipe it has. */
  readonly known: Set<number>;
}

/**
 * Threads that read, decode and transform. They keep the process alive only while something is asked of them, so a loop
 * that is abandoned does not hang it; `close` ends them at once.
 */
export class WorkerPool {
  readonly #members: Member[];
  readonly #sources = new Map<Recipe, number>();
  #tasks = 0;

  constructor(count: number) {
    this.#members = Array.from({ length: count }, startMember);
  }

  /** Gives the task to the worker with the least to do. */
  run(recipe: Recipe, task: Task): Promise<TaskResult> {
    const member = this.#members.reduce((least, other) => (other.waiting.size < least.waiting.size ? other : least));
    const send = (request: Request) => member.worker.postMessage(request);
    const source = this.#sources.get(recipe) ?? this.#sources.size;
    this.#sources.set(recipe, source);
    if (!member.known.has(source)) send({ kind: 'open', source, recipe });
    member.known.add(source);
    const id = this.#tasks++;
    return new Promise((resolve, reject) => {
      if (member.waiting.size === 0) member.worker.ref();
      member.waiting.set(id, { resolve, reject });
      send({ kind: 'task', source, id, task });
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }
}

function startMember(): Member {
  const { Worker } = nodeModule('node:worker_threads');
  const worker = new Worker(...workerProgram());
  const member: Member = { worker, waiting: new Map(), known: new Set() };
  worker.on('message', (reply: Reply) => {
    const { resolve, reject } = member.waiting.get(reply.id)!;
    member.waiting.delete(reply.id);
    if (member.waiting.size === 0) worker.unref();
    if ('result' in reply) resolve(reply.result);
    else reject(new DatasetError(reply.code, reply.message));
  });
  const fail = (why: string, cause?: unknown) => {
    for (const { reject } of member.waiting.values()) {
      reject(new DatasetError('DATASETS_WORKER_FAILED', `A worker of the data set ended: ${why}.`, { cause }));
    }
    member.waiting.clear();
  };
  worker.on('error', (error: Error) => fail(error.message, error));
  worker.on('exit', (code) => fail(`exit code ${code}`));
  // Last, because listening to messages makes the worker keep the process alive again.
  worker.unref();
  return member;
}

/**
 * The built worker lies in a folder beside the built package. Run from source (tests of this repository), the worker is
 * TypeScript too, which Node 20 cannot read without help.
 */
function workerProgram(): ConstructorParameters<typeof Worker> {
  if (!import.meta.url.endsWith('.ts')) return [new URL('./workers/decode.worker.js', import.meta.url)];
  const tsx = nodeModule('node:module')
    .createRequire(import.meta.url)
    .resolve('tsx/esm/api');
  const [helper, entry] = [
    nodeModule('node:url').pathToFileURL(tsx).href,
    new URL('./decode.worker.ts', import.meta.url).href,
  ];
  const code = `import('${helper}').then(({ register }) => (register(), import('${entry}')))`;
  return [code, { eval: true, execArgv: ['--conditions', '@missing-u/source'] }];
}
