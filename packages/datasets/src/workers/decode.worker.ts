import { parentPort } from 'node:worker_threads';
import { openStore, type Store } from '../sources/store.ts';
import type { Channels } from '../decode/channels.ts';
import type { Reply, Request } from './messages.ts';
import { runTask } from './task.ts';

const sources = new Map<number, { store: Store; channels: Channels }>();

/** One task after the other, in the order they came. */
let busy: Promise<void> = Promise.resolve();

parentPort!.on('message', (request: Request) => {
  busy = busy.then(() => serve(request));
});

async function serve(request: Request): Promise<void> {
  if (request.kind === 'open') {
    const { store, channels } = request.recipe;
    sources.set(request.source, { store: openStore(store), channels });
    return;
  }
  const { id, task } = request;
  const { store, channels } = sources.get(request.source)!;
  try {
    const result = await runTask(store, channels, task);
    reply({ id, result }, [result.images.buffer]);
  } catch (error) {
    const { code = 'DATASETS_WORKER_FAILED', message } = error as { code?: string; message: string };
    reply({ id, code, message });
  }
}

function reply(message: Reply, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer);
}
