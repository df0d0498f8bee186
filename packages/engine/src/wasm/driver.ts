import * as tf from '@tensorflow/tfjs-core';
import type { Driver } from '../driver.ts';
import { EngineError } from '../errors.ts';
import { registerWasmKernels } from './kernels/register.ts';

/** WebAssembly with SIMD, and with the kernels that training needs. */
export const wasm: Driver = {
  name: 'wasm',
  probe: async () =>
    typeof WebAssembly === 'object'
      ? { name: 'wasm', usable: true, reason: 'WebAssembly is there' }
      : { name: 'wasm', usable: false, reason: 'this JavaScript engine has no WebAssembly' },
  async start() {
    const backend = await import('@tensorflow/tfjs-backend-wasm').catch((cause: unknown) => {
      const message =
        'The wasm engine needs a package that is not installed; run `npm install @tensorflow/tfjs-backend-wasm`.';
      throw new EngineError('ENGINE_PACKAGE_MISSING', message, { cause });
    });
    registerWasmKernels();
    if (!(await tf.setBackend('wasm'))) {
      throw new EngineError('ENGINE_START_FAILED', 'The wasm engine did not start; the warning above says why.');
    }
    return { device: `WebAssembly, ${backend.getThreadsCount()} thread(s)`, version: backend.version_wasm };
  },
};
