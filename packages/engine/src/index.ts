import * as tf from '@tensorflow/tfjs-core';

export async function useEngine(name: 'cpu' | 'wasm'): Promise<void> {
  await import('@tensorflow/tfjs-layers');
  if (name === 'cpu') await import('@tensorflow/tfjs-backend-cpu');
  else await import('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend(name);
  await tf.ready();
}
