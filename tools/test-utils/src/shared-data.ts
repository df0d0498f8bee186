import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../../../../shared/data/', import.meta.url);

/**
 * Path of a file of real data that is not part of the repository (a sibling folder of it), or undefined where it is absent.
 * Use it as `it.skipIf(!file)(...)`, naming the file in the test's title, so that the skip shows what is missing.
 */
export function sharedFile(name: string): string | undefined {
  const path = fileURLToPath(new URL(name, folder));
  return existsSync(path) ? path : undefined;
}
