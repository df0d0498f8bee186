import type { Aggregate } from './aggregate.ts';
import { filterTile, type TileTask } from './stages.ts';

/** What a worker is sent, and what it answers. */
export interface TileRequest {
  readonly id: number;
  readonly task: TileTask;
}
export interface TileReply {
  readonly id: number;
  readonly aggregates: readonly Aggregate[];
}

interface Port {
  postMessage(message: TileReply, transfer: Transferable[]): void;
}

/** Filters tiles as they come: the whole program of a worker, in Node and in browsers. */
export function serve(): void {
  const answer = (port: Port, { id, task }: TileRequest) => {
    const aggregates = filterTile(task);
    const buffers = aggregates.flatMap(({ sums, weights }) => [sums.buffer, weights.buffer]);
    port.postMessage({ id, aggregates }, buffers as ArrayBuffer[]);
  };
  const port =
    typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:worker_threads').parentPort;
  if (port) {
    port.on('message', (request: TileRequest) => answer(port as unknown as Port, request));
  } else {
    const scope = globalThis as unknown as Port & { onmessage: (event: MessageEvent<TileRequest>) => void };
    scope.onmessage = ({ data }) => answer(scope, data);
  }
}
