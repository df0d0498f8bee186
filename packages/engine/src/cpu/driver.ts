import * as tf from '@tensorflow/tfjs-core';
import { replaceKernel } from '../composed-kernel.ts';
import type { Driver } from '../driver.ts';
import { EngineError } from '../errors.ts';
import { resizeBilinearGradient, resizeNearestGradient } from './resize-gradients.ts';

/** Plain JavaScript: works wherever JavaScript does, about a hundred times slower than wasm. */
export const cpu: Driver = {
  name: 'cpu',
  probe: async () => ({ name: 'cpu', usable: true, reason: 'plain JavaScript works everywhere' }),
  async start() {
    const backend = await import('@tensorflow/tfjs-backend-cpu').catch((cause: unknown) => {
      const message =
        'The cpu engine needs a package that is not installed; run `npm install @tensorflow/tfjs-backend-cpu`.';
      throw new EngineError('ENGINE_PACKAGE_MISSING', message, { cause });
    });
    for (const kernel of [resizeNearestGradient, resizeBilinearGradient]) replaceKernel(kernel);
    await tf.setBackend('cpu');
    // Otherwise its first tensor prints a banner that advertises another package.
    (tf.backend() as { firstUse?: boolean }).firstUse = false;
    return { device: 'JavaScript, 1 thread', version: backend.version_cpu };
  },
};
