import * as tf from '@tensorflow/tfjs-core';
import { host } from '#host';
import { loadPeer, lookAtPeer, type Driver } from '../driver.ts';
import { EngineError } from '../errors.ts';
import { allowNegativeAxes } from '../cumulative-axes.ts';
import { reduceNothing } from '../empty-reductions.ts';
import { correctNumericPadding } from '../numeric-padding.ts';
import { correctResizeGradients } from '../resize-gradients.ts';
import { refuseImpossibleWindows } from '../window-checks.ts';
import { findCard } from './adapter.ts';
import { readsNote, refuseSyncReads } from './reads.ts';

const load = () => loadPeer(() => import('@tensorflow/tfjs-backend-webgpu'), '@tensorflow/tfjs-backend-webgpu');

/** Graphics cards through WebGPU: in browsers, and in Node through the package `webgpu` (Dawn). Read results with `await data()`. */
export const webgpu: Driver = {
  name: 'webgpu',

  async probe() {
    const card = await findCard();
    if ('reason' in card) return { name: 'webgpu', usable: false, ...card };
    const reason = `WebGPU offers ${card.name}`;
    return host === undefined ? await lookAtPeer('webgpu', load, reason) : { name: 'webgpu', usable: true, reason };
  },

  async start({ automatic }) {
    const card = await findCard();
    if ('reason' in card) {
      const message = `WebGPU cannot be used: ${card.reason}${card.remedy === undefined ? '' : `; run \`${card.remedy}\``}.`;
      throw new EngineError('ENGINE_UNAVAILABLE', message, card);
    }
    if (automatic && card.software) {
      const message = `WebGPU offers only ${card.name}, which runs on the processor and is slower than wasm; name the engine 'webgpu' to use it all the same.`;
      throw new EngineError('ENGINE_SOFTWARE_CARD', message);
    }
    // The backend registers itself, while it is imported, only where WebGPU is there already.
    await host?.provideWebGpu();
    const backend = await load();
    correctKernels();
    if (!(await tf.setBackend('webgpu'))) {
      throw new EngineError('ENGINE_START_FAILED', 'The webgpu engine did not start; the warning above says why.');
    }
    const synchronous = typeof OffscreenCanvas !== 'undefined';
    if (!synchronous) refuseSyncReads(tf.backend());
    return { device: card.name, version: versionOf(backend), notes: synchronous ? [] : [readsNote] };
  },
};

let corrected = false;

/** Replaces kernels that are wrong, once. */
function correctKernels(): void {
  if (corrected) return;
  corrected = true;
  correctNumericPadding('webgpu');
  allowNegativeAxes('webgpu');
  correctResizeGradients('webgpu');
  reduceNothing('webgpu');
  refuseImpossibleWindows('webgpu');
}

function versionOf(backend: object): string {
  return 'version_webgpu' in backend ? String(backend.version_webgpu) : tf.version_core;
}
