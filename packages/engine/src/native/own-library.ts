import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** C++ of this package that an installation compiles for itself. */
export interface OwnLibrary {
  /** Of the compiled file: every version of the source and its options has its own. */
  name: string;
  /** What the compiler is told. */
  options: readonly string[];
  source: string;
}

export function ownLibrary(kind: string, options: readonly string[], source: string): OwnLibrary {
  const hash = createHash('sha256').update([...options, source].join(' '));
  return { name: `${kind}-${hash.digest('hex').slice(0, 12)}.so`, options, source };
}

/** Where an installation has a library, if it has it. */
export function findLibrary(folder: string, { name }: OwnLibrary): string | undefined {
  const path = join(folder, 'lib', name);
  return existsSync(path) ? path : undefined;
}
