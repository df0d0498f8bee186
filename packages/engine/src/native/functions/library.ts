import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
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

/** What the compiler is told. */
export const functionsOptions = ['-O2', '-std=c++17', '-shared', '-fPIC'];

/** The name of the compiled library, of which every version of the source and its options has its own. */
export const functionsLibrary = `functions-${createHash('sha256')
  .update([...functionsOptions, functionsSource].join(' '))
  .digest('hex')
  .slice(0, 12)}.so`;

/** Where an installation has the library, if it has it. */
export function findFunctions(folder: string): string | undefined {
  const path = join(folder, 'lib', functionsLibrary);
  return existsSync(path) ? path : undefined;
}

/** Loads the library of an installation, which has to be done before its binding is; undefined where it has none. */
export function openFunctions(folder: string): FunctionLibrary | undefined {
  const path = findFunctions(folder);
  if (path === undefined) return undefined;
  const module = { exports: {} };
  process.dlopen(module, path, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
  return module.exports as FunctionLibrary;
}
