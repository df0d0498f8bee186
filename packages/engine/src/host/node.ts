import { cpus } from 'node:os';
import { native } from '../native/driver.ts';
import { physicalCores } from './cores.ts';
import type { Host } from './host.ts';

/** Chosen by the `imports` field of package.json in Node. */
export const host: Host = {
  variable: (name) => process.env[name] || undefined,
  log: (line) => void process.stderr.write(`${line}\n`),
  processor: cpus()[0]?.model.trim() ?? process.arch,
  cores: physicalCores(),
  instantiateThreadedWasm: async (threads) => (await import('../wasm/threads.ts')).instantiateThreadedWasm(threads),
  findWebGpuCard: async () => (await import('../webgpu/dawn.ts')).findDawnCard(),
  provideWebGpu: async () => (await import('../webgpu/dawn.ts')).provideDawn(),
  native,
};
