import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { compileFunction } from 'node:vm';
import * as workerThreads from 'node:worker_threads';
import { EngineError } from '../errors.ts';

/** What Emscripten's module of the wasm backend offers, as far as it is used here. */
export interface WasmModule {
  cwrap(name: string, result: null | 'number', parameters: 'number'[]): (...args: number[]) => number;
  tfjs?: Record<string, (...args: number[]) => number>;
}

/** How long workers may take to start, in milliseconds. */
const patience = 20_000;

/**
 * Instantiates the threaded SIMD build of `@tensorflow/tfjs-backend-wasm` in Node.
 *
 * The backend has this build and Emscripten's support for Node in it, but its own start goes through `blob:` addresses, which
 * Node's workers do not take. Here the build's JavaScript gets what it requires from Node handed in: workers that are made
 * from source text and let the process end, and a number of cores that its cap on the threads (half of them) agrees with.
 *
 * @param threads the calling thread included
 */
export async function instantiateThreadedWasm(threads: number): Promise<WasmModule> {
  const require = createRequire(import.meta.url);
  const script = require.resolve('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.js');
  const { wasmWorkerContents } = require(script.replace(/\.js$/, '.worker.js')) as { wasmWorkerContents: string };
  // Line feeds within its string literals have become real ones.
  const workerSource = wasmWorkerContents.replaceAll('\n', '\\n');
  const workers: workerThreads.Worker[] = [];

  return await new Promise<WasmModule>((resolve, reject) => {
    const fail = (cause: unknown) => {
      clearTimeout(timer);
      for (const worker of workers) void worker.terminate();
      const reason = cause instanceof Error ? cause.message : String(cause);
      reject(
        new EngineError('ENGINE_WORKERS_FAILED', `The threads of the wasm engine did not start: ${reason}.`, { cause }),
      );
    };
    const timer = setTimeout(() => fail(new Error(`no answer within ${patience / 1000} s`)), patience);

    class Worker extends workerThreads.Worker {
      constructor() {
        super(workerSource, { eval: true });
        workers.push(this);
        this.on('error', fail);
      }
      /** Emscripten would let a thread that waits for work keep the process alive. */
      override ref(): void {}
    }
    const provided: Record<string, unknown> = {
      worker_threads: { ...workerThreads, Worker },
      os: { cpus: () => Array<unknown>(2 * threads) },
    };
    const requireProvided = (name: string): unknown => provided[name] ?? require(name);
    // Without these listeners, which would turn every rejected promise of the program into a crash of their own.
    const quietProcess = Object.create(process, { on: { value: () => quietProcess } }) as NodeJS.Process;

    try {
      // One worker less than threads, instead of always eight: starting them is what takes the time.
      const source = readFileSync(script, 'utf8').replace('pthreadPoolSize=8', `pthreadPoolSize=${threads - 1}`);
      const names = ['module', 'exports', 'require', '__filename', '__dirname', 'global', 'Worker', 'process'];
      const module: { exports: unknown } = { exports: {} };
      const run = compileFunction(source, names, { filename: script }) as (...args: unknown[]) => void;
      run(module, module.exports, requireProvided, script, dirname(script), { ...globalThis }, Worker, quietProcess);

      const factory = module.exports as (options: object) => Promise<WasmModule>;
      factory({
        locateFile: (path: string) => `${dirname(script)}/${path}`,
        mainScriptUrlOrBlob: script,
        onAbort: (reason: unknown) => fail(reason),
      }).then((instance) => {
        clearTimeout(timer);
        for (const worker of workers) worker.unref();
        resolve(instance);
      }, fail);
    } catch (error) {
      fail(error);
    }
  });
}
