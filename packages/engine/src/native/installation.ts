import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { libraries } from './build.ts';
import { nativeFolder } from './folders.ts';
import { functions } from './functions/library.ts';
import { operations as ownOperations } from './operations/library.ts';
import { findLibrary } from './own-library.ts';

/** Raised whenever an older installation would no longer do; such a one is reported and installed anew. */
export const layoutVersion = 1;

/** What an installation says about itself, in its `installation.json`. That file is written last. */
export interface InstallationRecord {
  layout: number;
  tensorflow: string;
  /** Built with CUDA. */
  gpu: boolean;
  platform: string;
  /** The wheel's name, or the folder of the Python installation whose libraries are used. */
  source: string;
  installed: string;
  bytes: number;
}

/** An installation of the native engine on the disk. */
export interface Installation extends InstallationRecord {
  folder: string;
  /** Whether it has the libraries of this version of the package, without which the engine runs, but slower. */
  operations: boolean;
  /** Why it cannot be used, where it cannot. */
  fault?: string;
}

export const recordName = 'installation.json';

/** All complete installations of this user, the one to use first. */
export async function findInstallations(): Promise<Installation[]> {
  const root = nativeFolder();
  const names = await readdir(root).catch(() => []);
  const found: Installation[] = [];
  for (const name of names) {
    const folder = join(root, name);
    const text = await readFile(join(folder, recordName), 'utf8').catch(() => undefined);
    if (text !== undefined) found.push(inspect(folder, text));
  }
  const rank = (one: Installation) => (one.fault === undefined ? 2 : 0) + (one.gpu ? 1 : 0);
  return found.sort((a, b) => rank(b) - rank(a) || b.installed.localeCompare(a.installed));
}

/** Removes all installations, downloads and what interrupted installations left. @returns the folder that is gone */
export async function removeInstallations(): Promise<string> {
  const root = nativeFolder();
  await rm(root, { recursive: true, force: true });
  return root;
}

function inspect(folder: string, text: string): Installation {
  let record: InstallationRecord;
  try {
    record = JSON.parse(text) as InstallationRecord;
  } catch {
    const unknown = { layout: 0, tensorflow: '?', gpu: false, platform: '?', source: '?', installed: '', bytes: 0 };
    return { ...unknown, folder, operations: false, fault: `${recordName} is damaged` };
  }
  const fault = findFault(folder, record);
  const operations = [ownOperations, functions].every((library) => findLibrary(folder, library) !== undefined);
  return { ...record, folder, operations, ...(fault !== undefined && { fault }) };
}

function findFault(folder: string, record: InstallationRecord): string | undefined {
  if (record.layout !== layoutVersion) return 'it was made by another version of this package';
  if (record.platform !== `${process.platform}-${process.arch}`) return `it was made for ${record.platform}`;
  const own = record.source.startsWith('/') ? record.source : join(folder, 'lib');
  const needed = [
    join(folder, 'lib', libraries.binding),
    join(folder, 'lib', libraries.helper),
    join(own, libraries.tensorflow),
    join(own, libraries.framework),
    join(folder, 'js', 'node_modules', '@tensorflow', 'tfjs-node', 'dist', 'nodejs_kernel_backend.js'),
  ];
  const missing = needed.find((file) => !existsSync(file));
  return missing === undefined ? undefined : `${missing} is missing`;
}
