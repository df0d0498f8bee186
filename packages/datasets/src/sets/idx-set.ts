import { invalidArgument, unknownName } from '@missing-u/errors';
import { Dataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import type { Folder } from '../files/folder.ts';
import { openObtained, type Obtainable, type ObtainOptions, type Publication } from '../files/obtain.ts';
import { memorySource } from '../sources/memory.ts';
import { pad, resize, type Filter, type Transform } from '../transforms/index.ts';
import { View } from '../view.ts';
import { readIdxFile, type PublishedFile } from './idx-files.ts';
import { transformAll } from './transform-all.ts';

/** How to open a data set of the MNIST family. */
export interface IdxOptions extends ObtainOptions {
  split?: 'train' | 'test';
  /** Height and width: 28; 32, with a black border of 2 pixels as the papers have it; or another size to resize to. */
  size?: number;
  /** Filter of the resizing; `bilinear` if left out. */
  filter?: Filter;
}

/** What distinguishes the members of the family. */
export interface IdxSet extends Obtainable {
  /** torchvision's folder name. */
  readonly folder: string;
  readonly classes: readonly string[];
  readonly files: Readonly<Record<'train' | 'test', readonly [images: PublishedFile, labels: PublishedFile]>>;
}

/** Files one by one at the same address, unpacked by nobody: `<folder>/raw/<file>`. */
export function rawFiles(
  folder: string,
  mirrors: readonly string[],
  sums: Readonly<Record<string, string>>,
): Publication[] {
  return Object.entries(sums).map(([file, md5]) => ({
    urls: mirrors.map((mirror) => mirror + file),
    md5,
    to: `${folder}/raw/${file}`,
  }));
}

export async function openIdxSet(set: IdxSet, options: IdxOptions): Promise<Dataset> {
  const { split = 'train', size = SIZE } = options;
  if (!Object.hasOwn(set.files, split)) {
    throw new DatasetError('DATASETS_BAD_OPTION', unknownName('split', split, Object.keys(set.files)));
  }
  const steps = sizeSteps(size, options.filter);
  return openObtained(set, options, (folder) => readIdxSet(set, split, steps, folder));
}

async function readIdxSet(
  set: IdxSet,
  split: 'train' | 'test',
  steps: readonly Transform[],
  folder: Folder,
): Promise<Dataset> {
  const pair = set.files[split];
  const subfolders = ['', 'raw/', `${set.folder}/raw/`, `${set.folder}/raw/gzip/`];
  const images = await readIdxFile(folder, subfolders, pair[0], 3);
  const labels = await readIdxFile(folder, subfolders, pair[1]);
  const [count, height, width] = images.shape as [number, number, number];
  if (labels.shape[0] !== count || !(images.data instanceof Uint8Array)) {
    throw new DatasetError(
      'DATASETS_FILES_DISAGREE',
      `${set.name} in ${folder.location} has ${count} images of ${images.data.constructor.name} and ` +
        `${labels.shape[0]} labels; as many labels as images, and images of bytes, are needed.`,
    );
  }
  // Of several numbers per label (QMNIST), the first is the class.
  const columns = labels.data.length / Math.max(1, count);
  const classes = Int32Array.from({ length: count }, (_, i) => Number(labels.data[i * columns]));
  const prepared = transformAll(images.data, [height, width, 1], steps);
  const name = `${set.name}, ${split === 'train' ? 'training' : 'test'} part`;
  const source = memorySource(prepared.data, prepared.shape, name);
  return new Dataset(new View({ source, labels: { data: classes, width: 1 } }), {
    name,
    classes: set.classes,
    location: folder.location,
    verified: images.verified && labels.verified,
    sourceShape: [height, width, 1],
  });
}

const SIZE = 28;

function sizeSteps(size: number, filter: Filter = 'bilinear'): Transform[] {
  if (!Number.isInteger(size) || size < 1) {
    const allowed = 'an integer of 1 or more';
    throw new DatasetError('DATASETS_BAD_OPTION', invalidArgument({ argument: 'size', value: size, allowed }));
  }
  if (size === SIZE) return [];
  return size === 32 ? [pad(2)] : [resize([size, size], { filter })];
}
