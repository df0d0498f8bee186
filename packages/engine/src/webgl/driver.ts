import * as tf from '@tensorflow/tfjs-core';
import { loadPeer, lookAtPeer, type Driver } from '../driver.ts';
import { EngineError } from '../errors.ts';
import { allowNegativeAxes } from '../cumulative-axes.ts';
import { reduceNothing } from '../empty-reductions.ts';
import { correctNumericPadding } from '../numeric-padding.ts';
import { correctResizeGradients } from '../resize-gradients.ts';
import { refuseImpossibleWindows } from '../window-checks.ts';

const load = () => loadPeer(() => import('@tensorflow/tfjs-backend-webgl'), '@tensorflow/tfjs-backend-webgl');

/** Graphics cards through WebGL 2, in browsers. Read results with `await data()`. */
export const webgl: Driver = {
  name: 'webgl',

  async probe() {
    const card = findCard();
    if (card === undefined) return { name: 'webgl', usable: false, reason: 'this browser has no WebGL 2' };
    return await lookAtPeer('webgl', load, `WebGL offers ${card}`);
  },

  async start({ automatic }) {
    const card = findCard() ?? 'nothing';
    if (automatic && /swiftshader|llvmpipe|software/i.test(card)) {
      const message = `WebGL offers only ${card}, which runs on the processor and is slower than wasm; name the engine 'webgl' to use it all the same.`;
      throw new EngineError('ENGINE_SOFTWARE_CARD', message);
    }
    const backend = await load();
    correctKernels();
    if (!(await tf.setBackend('webgl'))) {
      throw new EngineError('ENGINE_START_FAILED', 'The webgl engine did not start; the warning above says why.');
    }
    const half = tf.env().getNumber('WEBGL_VERSION') === 2 && !tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED');
    const notes = half ? ['webgl computes with 16 bits on this card, which is too coarse for training.'] : [];
    return { device: card, version: backend.version_webgl, notes };
  },
};

let corrected = false;

/** Replaces kernels that are wrong, once. */
function correctKernels(): void {
  if (corrected) return;
  corrected = true;
  correctNumericPadding('webgl');
  allowNegativeAxes('webgl');
  correctResizeGradients('webgl');
  reduceNothing('webgl');
  refuseImpossibleWindows('webgl');
}

/** The name of the graphics card that WebGL 2 offers. */
function findCard(): string | undefined {
  if (typeof OffscreenCanvas === 'undefined') return undefined;
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2');
  if (gl === null) return undefined;
  const info = gl.getExtension('WEBGL_debug_renderer_info');
  const name: unknown = gl.getParameter(info === null ? gl.RENDERER : info.UNMASKED_RENDERER_WEBGL);
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return String(name);
}
