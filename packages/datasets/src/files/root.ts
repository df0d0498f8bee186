import { invalidArgument } from '@missing-u/errors';
import { DatasetError } from '../errors.ts';
import { inNode, nodeModule } from '../platform.ts';
import { diskFolder } from './disk.ts';
import type { Folder } from './folder.ts';
import { webFolder } from './web.ts';

/** The folder that a user named: a path (Node), or the URL of a folder on a web server. */
export function openFolder(root: string | URL): Folder {
  const text = String(root);
  if (/^https?:/.test(text)) return webFolder(text);
  if (text.startsWith('file:')) return diskFolder(nodeModule('node:url').fileURLToPath(text));
  if (inNode) return diskFolder(text);
  return webFolder(new URL(text, globalThis.location.href).href);
}

/**
 * The `root` of a data set that lies in a folder on disk and nowhere else. Its path may have been given in the place of the options.
 *
 * @param opener the function whose options they are, for the message
 * @throws DatasetError `DATASETS_BAD_OPTION`
 */
export function rootOf(options: { readonly root: string }, opener: string): string {
  const given: unknown = options;
  const root = (given as { root?: unknown } | null | undefined)?.root;
  if (typeof root === 'string' && root !== '') return root;
  const path = typeof given === 'string' ? given : 'folder';
  const remedy = `call \`${opener}({ root: '${path}' })\``;
  throw new DatasetError(
    'DATASETS_BAD_OPTION',
    invalidArgument({ argument: 'root', value: root, allowed: 'the path of a folder', remedy }),
  );
}

/** The folder of an npm package as the working directory sees it, or undefined where it is not installed. */
export function npmPackageFolder(name: string): string | undefined {
  if (!inNode) return undefined;
  const path = nodeModule('node:path');
  const here = nodeModule('node:url').pathToFileURL(path.join(process.cwd(), 'index.js'));
  try {
    return path.dirname(nodeModule('node:module').createRequire(here).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

/** The first of these folders that is there, or undefined. */
export function firstFolder(places: readonly (string | undefined)[]): string | undefined {
  if (!inNode) return undefined;
  const fs = nodeModule('node:fs');
  return places.find((place) => place !== undefined && fs.existsSync(place));
}

/** @throws DatasetError `DATASETS_NO_ROOT` */
export function noRoot(name: string, looked: readonly string[]): DatasetError {
  return new DatasetError(
    'DATASETS_NO_ROOT',
    `${name} was not found${looked.length === 0 ? '' : ` (looked in ${looked.join(', ')})`}; give its folder with ` +
      '`root`, or let it be fetched with `download: true`.',
  );
}
