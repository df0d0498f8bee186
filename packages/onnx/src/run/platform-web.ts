import type { Platform } from './runtime.ts';

export const platform: Platform = {
  name: 'onnxruntime-web',
  load: async () => await import('onnxruntime-web'),
  defaultProvider: 'wasm',
  providers: ['wasm', 'webgpu', 'webgl', 'webnn'],
};
