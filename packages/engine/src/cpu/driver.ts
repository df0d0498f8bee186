import * as tf from '@tensorflow/tfjs-core';
import { replaceAveragePoolGradient } from '../average-pool.ts';
import { allowNegativeAxes } from '../cumulative-axes.ts';
import { reduceNothing } from '../empty-reductions.ts';
import { allowLongStrides } from '../long-strides.ts';
import { correctNumericPadding } from '../numeric-padding.ts';
import { loadPeer, lookAtPeer, type Driver } from '../driver.ts';
import { correctResizeGradients } from '../resize-gradients.ts';
import { refuseImpossibleWindows } from '../window-checks.ts';

const load = () => loadPeer(() => import('@tensorflow/tfjs-backend-cpu'), '@tensorflow/tfjs-backend-cpu');

/** Plain JavaScript: works wherever JavaScript does, about a hundred times slower than wasm. */
export const cpu: Driver = {
  name: 'cpu',
  probe: () => lookAtPeer('cpu', load, 'plain JavaScript works everywhere'),

  async start() {
    const backend = await load();
    correctKernels();
    await tf.setBackend('cpu');
    // Otherwise its first tensor prints a banner that advertises another package.
    (tf.backend() as { firstUse?: boolean }).firstUse = false;
    return { device: 'JavaScript, 1 thread', version: backend.version_cpu, notes: [] };
  },
};

let corrected = false;

/** Replaces kernels that are wrong, once. */
function correctKernels(): void {
  if (corrected) return;
  corrected = true;
  correctResizeGradients('cpu');
  replaceAveragePoolGradient('cpu');
  correctNumericPadding('cpu');
  allowLongStrides('cpu');
  allowNegativeAxes('cpu');
  reduceNothing('cpu');
  refuseImpossibleWindows('cpu');
}
