import type crypto from 'node:crypto';
import type fs from 'node:fs/promises';
import type os from 'node:os';
import type path from 'node:path';

interface NodeModules {
  'node:crypto': typeof crypto;
  'node:fs/promises': typeof fs;
  'node:os': typeof os;
  'node:path': typeof path;
}

/**
 * Node's own modules, or undefined in a browser. Asked of `process` at run time instead of imported, so that bundlers for
 * browsers have nothing to resolve.
 */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  if (typeof process === 'undefined' || typeof process.getBuiltinModule !== 'function') return undefined;
  return process.getBuiltinModule(name);
}
