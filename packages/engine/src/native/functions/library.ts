import { constants } from 'node:os';
import { findLibrary, ownLibrary } from '../own-library.ts';
import { functionsSource } from './source.ts';

/** Functions that TensorFlow executes as it does operations: what goes in and comes out stays where it is, on the card. */
export interface FunctionLibrary {
  /**
   * Makes a `FunctionDef` (function.proto) an operation under its name.
   *
   * @returns why it could not be done, or an empty text
   */
  add(definition: Uint8Array): string;
  /** Takes one away again. */
  remove(name: string): string;
}

export const functions = ownLibrary('functions', ['-O2', '-std=c++17', '-shared', '-fPIC'], functionsSource);

/** Loads the library of an installation, which has to be done before its binding is; undefined where it has none. */
export function openFunctions(folder: string): FunctionLibrary | undefined {
  const path = findLibrary(folder, functions);
  if (path === undefined) return undefined;
  const module = { exports: {} };
  process.dlopen(module, path, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
  return module.exports as FunctionLibrary;
}
