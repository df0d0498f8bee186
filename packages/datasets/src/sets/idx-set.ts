import { invalidArgument, unknownName } from '@missing-u/errors';
import { Dataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import { firstFolder, noRoot, openFolder } from '../files/root.ts';
import { sizeOf, type ImageShape } from '../image.ts';
import { memorySource } from '../sources/memory.ts';
import { transformImage } from '../step.ts';
import { pad, type Transform } from '../transforms/index.ts';
import { View } from '../view.ts';
import { readIdxFile, type PublishedFile } from './idx-files.ts';

/** How to open a data set of the MNIST family. */
export interface IdxOptions {
  /** Folder with the files, or with torchvision's `<NAME>/raw/` in it; a path in Node, or a URL. */
  root?: string | URL;
  split?: 'train' | 'test';
  /** Height and width: 28, or more with a black border (32 adds 2 pixels on each side, as the papers do). */
  size?: number;
}

/** What distinguishes the members of the family. */
export interface IdxSet {
  readonly name: string;
  /** torchvision's folder name. */
  readonly folder: string;
  readonly classes: readonly string[];
  readonly files: Readonly<Record<'train' | 'test', readonly [images: PublishedFile, labels: PublishedFile]>>;
  /** Where it may lie on this machine, if the user named no folder. */
  places(): readonly (string | undefined)[];
}

const SIZE = 28;

export async function openIdxSet(set: IdxSet, options: IdxOptions): Promise<Dataset> {
  const { split = 'train', size = SIZE } = options;
  const pair = set.files[split];
  if (pair === undefined) {
    throw new DatasetError('DATASETS_BAD_OPTION', unknownName('split', split, Object.keys(set.files)));
  }
  if (!Number.isInteger(size) || size < SIZE) {
    throw new DatasetError(
      'DATASETS_BAD_OPTION',
      invalidArgument({ argument: 'size', value: size, allowed: `an integer of ${SIZE} or more` }),
    );
  }
  const places = set.places().filter((place) => place !== undefined);
  const root = options.root ?? firstFolder(places);
  if (root === undefined) throw noRoot(set.name, places);
  const folder = openFolder(root);
  const subfolders = ['', 'raw/', `${set.folder}/raw/`];
  const images = await readIdxFile(folder, subfolders, pair[0], 3);
  const labels = await readIdxFile(folder, subfolders, pair[1], 1);
  const [count, height, width] = images.shape as [number, number, number];
  if (labels.data.length !== count || !(images.data instanceof Uint8Array)) {
    throw new DatasetError(
      'DATASETS_FILES_DISAGREE',
      `${set.name} in ${folder.location} has ${count} images of ${images.data.constructor.name} and ` +
        `${labels.data.length} labels; as many labels as images, and images of bytes, are needed.`,
    );
  }
  const border = (size - SIZE) / 2;
  const steps =
    size === SIZE
      ? []
      : [
          pad({
            top: Math.floor(border),
            left: Math.floor(border),
            bottom: Math.ceil(border),
            right: Math.ceil(border),
          }),
        ];
  const prepared = transformAll(images.data, [height, width, 1], steps);
  const name = `${set.name}, ${split === 'train' ? 'training' : 'test'} part`;
  const source = memorySource(prepared.data, prepared.shape, name);
  return new Dataset(new View({ source, labels: { data: Int32Array.from(labels.data), width: 1 } }), {
    name,
    classes: set.classes,
    location: folder.location,
    verified: images.verified && labels.verified,
    sourceShape: [height, width, 1],
  });
}

/** Applies transforms once to all pictures in memory, so that batches only have to copy. */
function transformAll(
  data: Uint8Array,
  shape: ImageShape,
  steps: readonly Transform[],
): { data: Uint8Array; shape: ImageShape } {
  if (steps.length === 0 || data.length === 0) return { data, shape };
  const size = sizeOf(shape);
  const at = (row: number) =>
    transformImage(steps, { data: data.subarray(row * size, (row + 1) * size), shape }, 0, row);
  const first = at(0);
  const count = data.length / size;
  const out = new Uint8Array(count * first.data.length);
  for (let row = 0; row < count; row++) out.set(at(row).data, row * first.data.length);
  return { data: out, shape: first.shape };
}
