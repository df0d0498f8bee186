import type childProcess from 'node:child_process';
import type crypto from 'node:crypto';
import type fs from 'node:fs';
import type module from 'node:module';
import type os from 'node:os';
import type path from 'node:path';
import type url from 'node:url';
import type workers from 'node:worker_threads';
import type zlib from 'node:zlib';
import { DatasetError } from './errors.ts';

interface NodeModules {
  'node:child_process': typeof childProcess;
  'node:crypto': typeof crypto;
  'node:fs': typeof fs;
  'node:module': typeof module;
  'node:os': typeof os;
  'node:path': typeof path;
  'node:url': typeof url;
  'node:worker_threads': typeof workers;
  'node:zlib': typeof zlib;
}

/** Whether Node's own modules are there. */
export const inNode = typeof process !== 'undefined' && typeof process.getBuiltinModule === 'function';

/**
 * One of Node's own modules. It is asked of `process` at run time instead of imported, so that bundlers for browsers have
 * nothing to resolve.
 *
 * @throws DatasetError `DATASETS_NEEDS_NODE` in a browser
 */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  if (inNode) return process.getBuiltinModule(name);
  throw new DatasetError(
    'DATASETS_NEEDS_NODE',
    `This needs '${name}', which only Node has; in a browser give a URL as \`root\`, or bytes.`,
  );
}

/**
 * A package as Node finds it from here. Not an `import`, which bundlers for browsers would follow into code that is for
 * Node alone.
 */
export function requirePackage(name: string): unknown {
  return nodeModule('node:module').createRequire(import.meta.url)(name);
}
