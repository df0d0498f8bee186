import { unknownName } from '@missing-u/errors';
import { numpyGlobals, unpickle } from '@missing-u/weights';
import { Dataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import type { Folder } from '../files/folder.ts';
import { openObtained, type ObtainOptions } from '../files/obtain.ts';
import { CIFAR_BYTES, interleave, parseCifar, type CifarPart } from '../formats/cifar.ts';
import { memorySource } from '../sources/memory.ts';
import type { Transform } from '../transforms/index.ts';
import { View } from '../view.ts';
import { fit, type FitOptions } from './fit.ts';
import { CIFAR10, CIFAR100, type CifarSet } from './cifar-files.ts';
import { transformAll } from './transform-all.ts';

/** How to open CIFAR. */
export interface CifarOptions extends ObtainOptions, Pick<FitOptions, 'filter'> {
  split?: 'train' | 'test';
  /** Height and width: 32, or another size to resize to. */
  size?: number;
}

/**
 * CIFAR-10: 50,000 pictures for training and 10,000 for testing, 32x32, ten classes (A. Krizhevsky, 2009), from the python
 * or the binary version; pickles are read without running code.
 *
 * @throws DatasetError `DATASETS_NO_ROOT`, `DATASETS_MISSING_FILE`, `DATASETS_TRUNCATED`, `DATASETS_NOT_CIFAR`,
 *   `DATASETS_BAD_OPTION`; WeightsError `WEIGHTS_UNSAFE_PICKLE`, `WEIGHTS_BAD_PICKLE`
 */
export function cifar10(options: CifarOptions = {}): Promise<Dataset> {
  return openCifar(CIFAR10, options);
}

/** CIFAR-100: as {@link cifar10}, with a hundred classes (the fine labels). */
export function cifar100(options: CifarOptions = {}): Promise<Dataset> {
  return openCifar(CIFAR100, options);
}

async function openCifar(set: CifarSet, options: CifarOptions): Promise<Dataset> {
  const { split = 'train', size = 32 } = options;
  if (!Object.hasOwn(set.pickles, split)) {
    throw new DatasetError('DATASETS_BAD_OPTION', unknownName('split', split, Object.keys(set.pickles)));
  }
  const steps = size === 32 ? [] : fit({ ...options, size: [size, size] });
  return openObtained(set, options, (folder) => readCifar(set, split, steps, folder));
}

async function readCifar(
  set: CifarSet,
  split: 'train' | 'test',
  steps: readonly Transform[],
  folder: Folder,
): Promise<Dataset> {
  const parts = (await readPickles(set, split, folder)) ?? (await readBinaries(set, split, folder));
  if (parts === undefined) {
    throw new DatasetError(
      'DATASETS_MISSING_FILE',
      `There is neither ${set.pickleFolder}${set.pickles[split][0]} nor ${set.binaryFolder}${set.binaries[split][0]} in ` +
        `${folder.location}; give the folder with \`root\`, or let it be fetched with \`download: true\`.`,
    );
  }
  const data = joined(parts.map((part) => part.images));
  const prepared = transformAll(data, [32, 32, 3], steps);
  const name = `${set.name}, ${split === 'train' ? 'training' : 'test'} part`;
  const labels = { data: Int32Array.from(parts.flatMap((part) => [...part.labels])), width: 1 };
  return new Dataset(new View({ source: memorySource(prepared.data, prepared.shape, name), labels }), {
    name,
    classes: set.classes,
    location: folder.location,
    sourceShape: [32, 32, 3],
  });
}

/** All parts, or undefined where the first is not there. */
async function readAll(
  folder: Folder,
  subfolders: readonly string[],
  names: readonly string[],
  parse: (bytes: Uint8Array, name: string) => CifarPart,
): Promise<CifarPart[] | undefined> {
  for (const subfolder of subfolders) {
    const parts: CifarPart[] = [];
    for (const name of names) {
      const bytes = await folder.read(subfolder + name);
      const shown = `${folder.location}/${subfolder}${name}`;
      if (bytes !== undefined) parts.push(parse(bytes, shown));
      else if (parts.length > 0) throw new DatasetError('DATASETS_MISSING_FILE', `There is no ${shown}.`);
      else break;
    }
    if (parts.length > 0) return parts;
  }
  return undefined;
}

function readPickles(set: CifarSet, split: 'train' | 'test', folder: Folder): Promise<CifarPart[] | undefined> {
  return readAll(folder, [set.pickleFolder, ''], set.pickles[split], (bytes, name) => {
    const entry = unpickle(bytes, { globals: numpyGlobals });
    const get = (key: string): unknown => (entry instanceof Map ? entry.get(key) : undefined);
    const data = get('data') as { data?: unknown } | undefined;
    const labels = get('labels') ?? get('fine_labels');
    const planes = data?.data;
    if (!(planes instanceof Uint8Array) || !Array.isArray(labels) || planes.length !== labels.length * CIFAR_BYTES) {
      throw new DatasetError('DATASETS_NOT_CIFAR', `${name} does not hold 'data' of bytes and as many 'labels'.`);
    }
    return { images: interleave(planes), labels: Int32Array.from(labels as number[]) };
  });
}

function readBinaries(set: CifarSet, split: 'train' | 'test', folder: Folder): Promise<CifarPart[] | undefined> {
  return readAll(folder, [set.binaryFolder, ''], set.binaries[split], (bytes, name) =>
    parseCifar(bytes, set.labelBytes, name),
  );
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let start = 0;
  for (const part of parts) {
    out.set(part, start);
    start += part.length;
  }
  return out;
}
