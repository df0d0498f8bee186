import { OnnxError } from './errors.ts';
import type { TensorFlow } from './trace/tracer.ts';

/** TensorFlow.js, which only who exports or hands over tensors needs to have. */
export async function loadTensorFlow(): Promise<TensorFlow> {
  try {
    return await import('@tensorflow/tfjs-core');
  } catch (cause) {
    const message = 'Tensors need TensorFlow.js, which is not installed: npm install @tensorflow/tfjs-core';
    throw new OnnxError('ONNX_NO_TENSORFLOW', message, { cause });
  }
}
