import { replaceKernel } from '../composed-kernel.ts';
import { registerReluGradient } from './relu-gradient.ts';
import { softmax } from './softmax.ts';

let registered = false;

/** Gives the native engine, once, kernels that it lacks, or that read values while they run. */
export function registerNativePrimitives(): void {
  if (registered) return;
  replaceKernel(softmax);
  registerReluGradient();
  registered = true;
}
