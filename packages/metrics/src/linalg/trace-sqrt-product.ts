import { createKernel, kernelModule } from './kernel.ts';

/**
 * Tr (A B)^(1/2) of two covariances of size n x n, row-major: exact to rounding at full rank, and below it without the
 * noise of eigenvalues that are zero by rank. 2.4 s for n = 2048 on one core of 2023. NaN where QL did not converge.
 */
export function traceSqrtProduct(a: Float64Array, b: Float64Array, n: number): number {
  const { exports, blocks } = createKernel({ a: n * n, b: n * n, work: n * n + 100 * n });
  blocks.a.data.set(a);
  blocks.b.data.set(b);
  return exports.traceSqrtProduct(n, blocks.a.pointer, blocks.b.pointer, blocks.work.pointer);
}

/** {@link traceSqrtProduct} in a worker; where the platform has none, on this thread. */
export async function traceSqrtProductInWorker(a: Float64Array, b: Float64Array, n: number): Promise<number> {
  const worker = startWorker();
  if (worker === undefined) return traceSqrtProduct(a, b, n);
  try {
    return await new Promise<number>((resolve, reject) =>
      worker.ask({ module: kernelModule(), a, b, n }, resolve, reject),
    );
  } finally {
    worker.stop();
  }
}

/**
 * The worker's whole program. It is a text, not a file, so that it needs no path that bundlers would have to know; the
 * kernel arrives compiled.
 */
const program = `
  function answer({ module, a, b, n }) {
    const { memory, HEAP, traceSqrtProduct } = new WebAssembly.Instance(module).exports;
    const [start, square] = [HEAP.value, 8 * n * n];
    memory.grow(Math.ceil((start + 3 * square + 800 * n) / 65536) - memory.buffer.byteLength / 65536);
    new Float64Array(memory.buffer, start, n * n).set(a);
    new Float64Array(memory.buffer, start + square, n * n).set(b);
    return traceSqrtProduct(n, start, start + square, start + 2 * square);
  }`;

interface ComputeWorker {
  ask(request: object, resolve: (trace: number) => void, reject: (error: unknown) => void): void;
  stop(): void;
}

function startWorker(): ComputeWorker | undefined {
  const node = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  if (node !== undefined) {
    const reply =
      'const { parentPort } = require("node:worker_threads"); parentPort.once("message", (m) => parentPort.postMessage(answer(m)));';
    const worker = new node.Worker(`${program}\n${reply}`, { eval: true });
    return {
      ask: (request, resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
        worker.postMessage(request);
      },
      stop: () => void worker.terminate(),
    };
  }
  if (typeof Worker === 'undefined') return undefined;
  const url = URL.createObjectURL(
    new Blob([`${program}\nonmessage = ({ data }) => postMessage(answer(data));`], { type: 'text/javascript' }),
  );
  const worker = new Worker(url);
  return {
    ask: (request, resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data as number);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(request);
    },
    stop: () => {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
