import { cudaToolkit } from './cuda.ts';
import type { EngineOptions } from '../types.ts';

/**
 * Environment variables that TensorFlow's library reads while it is loaded, with the values that serve. What the user has set
 * stays as it is, except where an option asks for something else.
 */
export function settings(folder: string, { threads, gpu }: EngineOptions): Record<string, string> {
  const chosen: Record<string, string> = {};
  const toolkit = cudaToolkit(folder);
  if (toolkit !== undefined && !process.env['XLA_FLAGS']) chosen['XLA_FLAGS'] = `--xla_gpu_cuda_data_dir=${toolkit}`;
  if (threads !== undefined) {
    // Operations split up their work over the one pool; the other is for operations side by side, which eager code has not.
    chosen['TF_NUM_INTRAOP_THREADS'] = String(threads);
    chosen['OMP_NUM_THREADS'] = String(threads);
  }
  if (gpu === false) chosen['CUDA_VISIBLE_DEVICES'] = '-1';
  return { ...unlessSet(defaults), ...chosen };
}

const defaults = {
  // Off by default on processors without AVX-512, where it still makes convolutions a quarter faster.
  TF_ENABLE_ONEDNN_OPTS: '1',
  // Warnings and errors only.
  TF_CPP_MIN_LOG_LEVEL: '2',
  // Takes memory of the graphics card as it is needed, instead of all of it at once.
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
};

function unlessSet(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !process.env[name]));
}
