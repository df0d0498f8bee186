import type { Platform } from './runtime.ts';

export const platform: Platform = {
  name: 'onnxruntime-web',
  // What only computes on the processor is half as large to download.
  load: async (providers) =>
    providers.every((name) => name === 'wasm') ? await import('onnxruntime-web/wasm') : await import('onnxruntime-web'),
  defaultProvider: 'wasm',
  providers: ['wasm', 'webgpu', 'webnn'],
};
