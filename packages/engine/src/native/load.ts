import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { replaceKernel } from '../composed-kernel.ts';
import { convolveNothing } from '../empty-convolutions.ts';
import { EngineError } from '../errors.ts';
import { gather } from '../primitives/gather.ts';
import type { EngineOptions } from '../types.ts';
import { refuseImpossibleWindows } from '../window-checks.ts';
import { libraries } from './build.ts';
import { replaceChainedCalls } from './chained-calls.ts';
import type { Installation } from './installation.ts';
import { openFunctions } from './functions/library.ts';
import type { Helper } from './helper.ts';
import { cudaLibraries } from './cuda.ts';
import { allowDepthwiseDilations } from './dilation.ts';
import { registerOperationKernels } from './operations/kernels.ts';
import { operations } from './operations/library.ts';
import { findLibrary } from './own-library.ts';
import { convolveOneChannel } from './one-channel.ts';
import { allowNumericPadding } from './padding.ts';
import { correctResizeGradients } from './resize-gradients.ts';
import { takeShortcuts } from './shortcuts.ts';
import { settings } from './settings.ts';

/** A tensor inside TensorFlow's library. */
export interface TensorMetadata {
  id: number;
  shape: number[];
  dtype: number;
}

/** An attribute of a TensorFlow operation. */
export interface OperationAttribute {
  name: string;
  type: number;
  value: unknown;
}

/** The binding to TensorFlow's C library: any operation by its name, and saved models. Tensors are numbers (ids). */
export interface NativeBinding {
  executeOp(name: string, attributes: OperationAttribute[], inputIds: number[], outputs: number): TensorMetadata[];
  createTensor(shape: number[], dtype: number, values: ArrayBufferView): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(id: number, inputIds: number[], inputs: string, outputs: string): TensorMetadata[];
  isUsingGpuDevice(): boolean;
  getNumOfTensors(): number;
  getNumOfSavedModels(): number;
  readonly TF_Version: string;
  /** The numbers of types: `TF_FLOAT`, `TF_INT32`, `TF_BOOL`, `TF_ATTR_INT`, `TF_ATTR_TYPE`... */
  readonly [constant: `TF_${string}`]: number | string;
}

/** The backend `tensorflow` as tfjs-node's JavaScript implements it. */
export interface NativeBackend extends tf.KernelBackend {
  readonly binding: NativeBinding;
  executeSingleOutput(name: string, attributes: OperationAttribute[], inputs: tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: OperationAttribute[],
    inputs: tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
  /** The ids of tensors in the library; their values are handed over to it where that was still to do. */
  getInputTensorIds(tensors: tf.Tensor[]): number[];
  /** Makes a tensor of what an operation returned. */
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
}

/** Loads an installation into this process and registers it as the backend `tensorflow`. Once per process. */
export function loadInstallation({ folder, gpu }: Installation, options: EngineOptions): NativeBackend {
  Object.assign(process.env, settings(folder, options));
  const modules = join(folder, 'js', 'node_modules');
  const require = createRequire(join(modules, 'noop.js'));
  restoreUtil(require('node:util') as Record<string, unknown>);
  // tfjs-node requires the union package; a stand-in under its name hands it the application's own tfjs-core.
  (globalThis as Record<symbol, unknown>)[applicationCore] = tf;

  const { binding, functionLibrary } = openBinding(require, folder, gpu);
  const { NodeJSKernelBackend } = require('@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js') as {
    NodeJSKernelBackend: new (binding: NativeBinding, packageName: string) => NativeBackend;
  };
  require('@tensorflow/tfjs-node/dist/register_all_kernels.js');
  if (!(NodeJSKernelBackend.prototype instanceof tf.KernelBackend)) {
    const message = `The native engine got a second copy of tfjs-core; remove ${folder} and install it again.`;
    throw new EngineError('ENGINE_LOAD_FAILED', message);
  }
  const backend = new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node');
  // For `compile`, as the parts of the backend that it knows (`GraphBackend`) have it.
  Object.assign(backend, { functionLibrary });
  replaceChainedCalls();
  replaceKernel(gather);
  allowNumericPadding();
  takeShortcuts();
  convolveOneChannel();
  allowDepthwiseDilations();
  correctResizeGradients();
  // They compute on the processor.
  if (!binding.isUsingGpuDevice()) loadOperations(require, folder, binding);
  convolveNothing('tensorflow');
  refuseImpossibleWindows('tensorflow');
  tf.registerBackend('tensorflow', () => backend, 3);
  return backend;
}

/** Under which symbol the stand-ins inside an installation look for tfjs-core. */
const applicationCore = Symbol.for('@missing-u/engine/tfjs-core');

/** Packages that tfjs-node's JavaScript requires, and that stand-ins replace inside an installation. */
export const standIns = ['@tensorflow/tfjs', '@tensorflow/tfjs-core'];

/** The files of a stand-in. */
export const standInFiles = {
  'package.json': '{ "version": "0.0.0", "main": "index.js" }\n',
  'index.js': "module.exports = globalThis[Symbol.for('@missing-u/engine/tfjs-core')];\n",
};

/** Functions that Node 23 took away, and that tfjs-node's JavaScript calls. */
function restoreUtil(util: Record<string, unknown>): void {
  util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  util['isArray'] ??= Array.isArray;
}

/** @param withFunctions whether to load the library of functions before it, where the installation has that */
function openBinding(require: NodeJS.Require, folder: string, withFunctions: boolean) {
  try {
    const helper = require(join(folder, 'lib', libraries.helper)) as Helper;
    preload(helper, cudaLibraries(folder));
    helper.mute();
    try {
      const functionLibrary = withFunctions ? openFunctions(folder) : undefined;
      return { binding: require(join(folder, 'lib', libraries.binding)) as NativeBinding, functionLibrary };
    } finally {
      helper.unmute();
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `TensorFlow's library cannot be loaded: ${reason}. Run \`npx missing-u native install --force\`.`;
    throw new EngineError('ENGINE_LOAD_FAILED', message, { cause });
  }
}

/** Loads the operations of this package, where the installation has them, and registers their kernels. */
function loadOperations(require: NodeJS.Require, folder: string, binding: NativeBinding): void {
  const library = findLibrary(folder, operations);
  if (library === undefined) return;
  const reason = (require(join(folder, 'lib', libraries.helper)) as Helper).preload(library);
  if (reason !== '') {
    const message = `The operations of the native engine cannot be loaded: ${reason}. Run \`npx missing-u native install --force\`.`;
    throw new EngineError('ENGINE_LOAD_FAILED', message);
  }
  registerOperationKernels(binding);
}

/** Loads libraries that need each other: in rounds, until no further one can be loaded. What is left TensorFlow does without. */
function preload(helper: Helper, paths: readonly string[]): void {
  const left = paths.filter((path) => helper.preload(path) !== '');
  if (left.length > 0 && left.length < paths.length) preload(helper, left);
}
