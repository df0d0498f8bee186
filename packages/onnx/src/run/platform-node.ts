import { open, readFile, rename, rm } from 'node:fs/promises';
import type { OnnxRuntime, Platform } from './runtime.ts';

export const platform: Platform = {
  name: 'onnxruntime-node',
  load: async () => {
    const module = (await import('onnxruntime-node')) as unknown as OnnxRuntime & { default?: OnnxRuntime };
    return module.InferenceSession === undefined ? module.default! : module;
  },
  defaultProvider: 'cpu',
  providers: ['cpu', 'cuda', 'dml', 'coreml', 'webgpu', 'tensorrt', 'qnn'],
  readFile: async (path) => readFile(path),
  writeFiles: async (files) => {
    const temporary = files.map(({ path }) => `${path}.${process.pid}.part`);
    try {
      for (const [i, { parts }] of files.entries()) await writeParts(temporary[i]!, parts);
      for (const [i, { path }] of files.entries()) await rename(temporary[i]!, path);
    } finally {
      for (const path of temporary) await rm(path, { force: true });
    }
  },
};

async function writeParts(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const part of parts) await file.writeFile(part);
  } finally {
    await file.close();
  }
}
