import type * as WasmPackage from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { host } from '#host';
import { loadPeer, lookAtPeer, type Driver } from '../driver.ts';
import { EngineError } from '../errors.ts';
import { guardKernels, guardMemory, threadedBackend } from './backend.ts';
import { registerWasmKernels } from './kernels/register.ts';

/** The build of the backend starts no more, whatever it is asked for. */
const mostThreads = 8;

const load = () => loadPeer(() => import('@tensorflow/tfjs-backend-wasm'), '@tensorflow/tfjs-backend-wasm');

/** How many threads the running engine was asked for. */
let asked: number | undefined;

/** What the running engine has to do without. */
let notes: string[] = [];

/** WebAssembly with SIMD and threads, and with the kernels that training needs. */
export const wasm: Driver = {
  name: 'wasm',

  probe: async () =>
    typeof WebAssembly === 'object'
      ? await lookAtPeer('wasm', load, 'WebAssembly is there')
      : { name: 'wasm', usable: false, reason: 'this JavaScript engine has no WebAssembly' },

  async start({ threads }) {
    const backend = await load();
    registerWasmKernels();
    const running = runningThreads(backend);
    if (
      running !== undefined &&
      threads !== undefined &&
      Math.min(threads, mostThreads) !== running &&
      threads !== asked
    ) {
      const message = `The wasm engine already runs with ${running} thread(s) and cannot change to ${threads}; choose the number when it is started first.`;
      throw new EngineError('ENGINE_ALREADY_STARTED', message);
    }
    if (running === undefined) {
      asked = threads;
      notes = await prepareThreads(backend, threads);
      guardBackend();
    }
    if (!(await tf.setBackend('wasm'))) {
      const served = host === undefined ? ` ${inPages}` : '';
      throw new EngineError(
        'ENGINE_START_FAILED',
        `The wasm engine did not start; the warning above says why.${served}`,
      );
    }
    const count = runningThreads(backend) ?? 1;
    const processor = host?.processor ?? 'WebAssembly';
    return {
      device: `${processor}, ${count} thread${count === 1 ? '' : 's'}`,
      version: backend.version_wasm,
      notes: (threads ?? 1) > mostThreads ? [...notes, fewer(threads!)] : notes,
    };
  },
};

/** What is mostly forgotten: bundlers take the backend's script along, but not the files that it fetches. */
const inPages =
  'The page has to serve the files tfjs-backend-wasm*.wasm of node_modules/@tensorflow/tfjs-backend-wasm/dist: copy them, and ' +
  "name their folder with `setWasmPaths('/wasm/')` of @tensorflow/tfjs-backend-wasm before `useEngine`.";

/** Turns what goes wrong inside the engine into errors. Between the making of a backend and the set-up of its kernels. */
function guardBackend(): void {
  const make = tf.findBackendFactory('wasm');
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', async () => {
    const backend = await make();
    guardKernels(backend);
    guardMemory(backend);
    return backend;
  });
}

function fewer(threads: number): string {
  return `wasm has room for ${mostThreads} threads, not for the ${threads} that were asked for.`;
}

/** The number of threads, or undefined before the start. */
function runningThreads(backend: typeof WasmPackage): number | undefined {
  try {
    return backend.getThreadsCount();
  } catch {
    return undefined;
  }
}

/** Sets the number of threads, which a browser needs no more than; in Node the threaded build has to be started by hand. */
async function prepareThreads(backend: typeof WasmPackage, wanted: number | undefined): Promise<string[]> {
  const threads = Math.min(wanted ?? host?.cores ?? 1, mostThreads);
  if (host === undefined) {
    if (wanted !== undefined) backend.setThreadsCount(threads);
    return [];
  }
  if (threads === 1) return [];
  try {
    const module = await host.instantiateThreadedWasm(threads);
    backend.setThreadsCount(threads);
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', () => threadedBackend(backend, module));
    return [];
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return [`wasm runs with one thread. ${error.message}`];
  }
}
