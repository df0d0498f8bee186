import * as tf from '@tensorflow/tfjs-core';
import { host } from '#host';
import { loadPeer, type Driver } from '../driver.ts';
import { EngineError } from '../errors.ts';
import { findCard } from './adapter.ts';

/** Graphics cards through WebGPU: in browsers, and in Node through the package `webgpu` (Dawn). Read results with `await data()`. */
export const webgpu: Driver = {
  name: 'webgpu',

  async probe() {
    const card = await findCard();
    if (typeof card !== 'string') return { name: 'webgpu', usable: true, reason: `WebGPU offers ${card.name}` };
    const lacksPackage = host !== undefined && card.includes('not installed');
    return {
      name: 'webgpu',
      usable: false,
      reason: card,
      ...(lacksPackage && { remedy: 'npm install webgpu @tensorflow/tfjs-backend-webgpu' }),
    };
  },

  async start({ automatic }) {
    const card = await findCard();
    if (typeof card === 'string') throw new EngineError('ENGINE_UNAVAILABLE', `WebGPU cannot be used: ${card}.`);
    if (automatic && card.software) {
      const message = `WebGPU offers only ${card.name}, which runs on the processor and is slower than wasm; name the engine 'webgpu' to use it all the same.`;
      throw new EngineError('ENGINE_SOFTWARE_CARD', message);
    }
    const backend = await loadPeer(() => import('@tensorflow/tfjs-backend-webgpu'), '@tensorflow/tfjs-backend-webgpu');
    if (!(await tf.setBackend('webgpu'))) {
      throw new EngineError('ENGINE_START_FAILED', 'The webgpu engine did not start; the warning above says why.');
    }
    return { device: card.name, version: versionOf(backend), notes: [] };
  },
};

function versionOf(backend: object): string {
  return 'version_webgpu' in backend ? String(backend.version_webgpu) : tf.version_core;
}
