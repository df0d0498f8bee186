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
