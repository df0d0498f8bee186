import { useEngine } from '../../src/index.ts';
import { findInstallations, nativeBackend } from '../../src/node.ts';

const installed = (await findInstallations()).some(({ fault }) => fault === undefined);

/** Starts the native engine where it is installed. */
export async function startNative(): Promise<boolean> {
  if (installed) await useEngine('native', { threads: 2 });
  return installed;
}

/** Graphs that TensorFlow holds. */
export function heldGraphs(): number {
  return nativeBackend()!.binding.getNumOfSavedModels();
}

/** Tensors that TensorFlow holds. */
export function heldTensors(): number {
  return nativeBackend()!.binding.getNumOfTensors();
}
