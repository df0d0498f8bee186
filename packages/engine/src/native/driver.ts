import * as tf from '@tensorflow/tfjs-core';
import type { Driver } from '../driver.ts';
import { EngineError } from '../errors.ts';
import { host } from '#host';
import { findInstallations, type Installation } from './installation.ts';
import { loadInstallation, type NativeBackend } from './load.ts';

const install = 'npx missing-u native install';

const withoutOwnLibraries =
  'the native engine was installed by another version of this package, and lacks the libraries that make networks ' +
  `faster; \`${install}\` adds them in some seconds`;

/** The loaded library, which a process can load only once, with what it was loaded with. */
let loaded: { backend: NativeBackend; installation: Installation; threads: number } | undefined;

/** TensorFlow's C library. */
export const native: Driver = {
  name: 'native',

  async probe({ gpu }) {
    const [best] = await findInstallations();
    if (best === undefined) return { name: 'native', usable: false, reason: 'it is not installed', remedy: install };
    if (best.fault !== undefined) {
      const reason = `the installation in ${best.folder} cannot be used: ${best.fault}`;
      return { name: 'native', usable: false, reason, remedy: `${install} --force` };
    }
    if (gpu === true && !best.gpu) {
      const reason = 'it is installed without support for graphics cards';
      return { name: 'native', usable: false, reason, remedy: `${install} --gpu` };
    }
    return { name: 'native', usable: true, reason: `TensorFlow ${best.tensorflow} is installed` };
  },

  async start({ threads, gpu }) {
    const count = threads ?? loaded?.threads ?? host?.cores ?? 1;
    if (loaded !== undefined && count !== loaded.threads) {
      const message = `The native engine already runs with ${loaded.threads} thread(s) and cannot change to ${count}; choose the number when it is started first.`;
      throw new EngineError('ENGINE_ALREADY_STARTED', message);
    }
    if (loaded === undefined) {
      const [installation] = await findInstallations();
      if (installation === undefined)
        throw new EngineError('ENGINE_NOT_INSTALLED', `The native engine is not installed; run \`${install}\`.`);
      const backend = loadInstallation(installation, { threads: count, ...(gpu !== undefined && { gpu }) });
      loaded = { backend, installation, threads: count };
    }
    const onCard = loaded.backend.binding.isUsingGpuDevice();
    if (gpu === true && !onCard) {
      const message =
        'No graphics card can be used by the native engine; its driver (`nvidia-smi`) has to work, or leave out `gpu: true`.';
      throw new EngineError('ENGINE_NO_GPU', message);
    }
    await tf.setBackend('tensorflow');
    return {
      device: onCard ? 'NVIDIA graphics card' : `${host?.processor}, ${count} thread${count === 1 ? '' : 's'}`,
      version: `TensorFlow ${loaded.installation.tensorflow}`,
      notes: loaded.installation.operations ? [] : [withoutOwnLibraries],
    };
  },
};

/** The backend of the native engine, or undefined where it does not run: its binding reaches every TensorFlow operation. */
export function nativeBackend(): NativeBackend | undefined {
  return loaded?.backend;
}
