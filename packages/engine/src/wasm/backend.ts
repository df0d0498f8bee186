import type * as WasmPackage from '@tensorflow/tfjs-backend-wasm';
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';
import type { WasmModule } from './threads.ts';

/** A backend over a module that was instantiated here instead of by the package itself. */
export function threadedBackend({ BackendWasm }: typeof WasmPackage, module: WasmModule): tf.KernelBackend {
  module.tfjs = {
    init: module.cwrap('init', null, []),
    initWithThreadsCount: module.cwrap('init_with_threads_count', null, ['number']),
    getThreadsCount: module.cwrap('get_threads_count', 'number', []),
    registerTensor: module.cwrap('register_tensor', null, ['number', 'number', 'number']),
    disposeData: module.cwrap('dispose_data', null, ['number']),
    dispose: module.cwrap('dispose', null, []),
  };
  return new BackendWasm(module as never);
}

type Kernel = (...args: unknown[]) => unknown;

/** The part of Emscripten's module through which kernels reach the functions of the build. */
interface Functions {
  cwrap(name: string, ...signature: unknown[]): Kernel;
}

/**
 * Refuses every further kernel once one has broken off: its threads may hold each other's locks then, so that the next one
 * would wait for ever, and the memory may be damaged. Has to come before the kernels are set up.
 */
export function guardKernels(backend: tf.KernelBackend): void {
  const { wasm } = backend as unknown as { wasm: Functions };
  const cwrap = wasm.cwrap;
  let crash: { kernel: string; cause: Error } | undefined;
  wasm.cwrap = (name, ...signature) => {
    const kernel = cwrap(name, ...signature);
    return (...args) => {
      if (crash !== undefined) throw crashed(crash.kernel, crash.cause);
      try {
        return kernel(...args);
      } catch (error) {
        if (!(error instanceof WebAssembly.RuntimeError)) throw error;
        crash = { kernel: name, cause: error };
        throw crashed(name, error);
      }
    };
  };
}

function crashed(kernel: string, cause: Error): EngineError {
  const message = `The wasm engine broke off in ${kernel} (${cause.message}) and computes nothing any more, because its memory may be damaged. Start the program again; the cpu engine may say what ${kernel} was given wrong.`;
  return new EngineError('ENGINE_CRASHED', message, { cause });
}

/** The heap of WebAssembly ends at 4 GiB. */
const heapSize = 2 ** 32;

interface Heap {
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/**
 * Makes a full heap an error. The backend takes the address 0 that `malloc` then returns for a tensor's place, and goes on
 * with wrong numbers.
 */
export function guardMemory(backend: tf.KernelBackend): void {
  const { wasm } = backend as unknown as { wasm: Heap };
  // The first call puts the real function into the place of a stub.
  wasm._free(wasm._malloc(1));
  const malloc = wasm._malloc;
  wasm._malloc = (bytes) => {
    const address = bytes < heapSize ? malloc(bytes) : 0;
    if (address !== 0 || bytes === 0) return address;
    const message = `The wasm engine has no room for ${Math.ceil(bytes / 2 ** 20)} MiB more; its memory ends at 4 GiB. Use smaller batches, recompute blocks in the backward pass, or use the native engine.`;
    throw new EngineError('ENGINE_OUT_OF_MEMORY', message);
  };
}
