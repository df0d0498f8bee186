import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';

/** The part of the webgpu backend that is changed here. */
interface WebGpuBackend {
  tensorMap: { get(dataId: object): { values?: unknown; dtype: tf.DataType } };
  readSync(dataId: object): unknown;
}

export const readsNote =
  'webgpu in Node reads results asynchronously only: `await tensor.data()`, no `dataSync`, `arraySync` or `print`.';

/**
 * Makes a synchronous read in Node an error that says what to do. The backend reads through a canvas, which Node has not; and
 * nothing else can wait there, because results arrive in turns of the event loop.
 */
export function refuseSyncReads(backend: tf.KernelBackend): void {
  const webgpu = backend as unknown as WebGpuBackend;
  const readSync = webgpu.readSync.bind(webgpu);
  webgpu.readSync = (dataId) => {
    const { values, dtype } = webgpu.tensorMap.get(dataId);
    if ((values !== undefined && values !== null) || dtype === 'string' || dtype === 'complex64')
      return readSync(dataId);
    throw new EngineError(
      'ENGINE_ASYNC_READ',
      `The result is still on the graphics card, and ${readsNote} The native and wasm engines read both ways.`,
    );
  };
}
