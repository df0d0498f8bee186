import { invalidArgument, unknownName } from '@missing-u/errors';
import { Dataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import { withFile } from '../files/random-access.ts';
import { rootOf } from '../files/root.ts';
import { zipEntries } from '../formats/zip.ts';
import { nodeModule } from '../platform.ts';
import { encodedSource } from '../sources/encoded.ts';
import type { StoreSpec } from '../sources/store.ts';
import { zipStore } from '../sources/zip.ts';
import { centerCrop, crop, resize, type Filter, type Transform } from '../transforms/index.ts';
import { View } from '../view.ts';
import { readTargets, TARGETS, type Target } from './celeba-targets.ts';

/** Parts of CelebA, by the number that `list_eval_partition.txt` has for them. */
const SPLITS = ['train', 'valid', 'test'] as const;

/** Which part of the 178x218 pictures is used. */
const CROPS = {
  /** All of it, squeezed into a square: what the paper's code does. */
  squash: () => [],
  /** The 128x128 pixels around column 89, row 121 (Song et al., DDIM). */
  ddim: () => [crop({ left: 25, top: 57, width: 128, height: 128 })],
  /** The middle 140x140 pixels (Song et al., score_sde). */
  score_sde: () => [centerCrop(140)],
  /** The middle 178x178 pixels. */
  center: () => [centerCrop(178)],
} satisfies Record<string, () => Transform[]>;

/** How to open CelebA. */
export interface CelebaOptions {
  /** The folder with the annotation files and `img_align_celeba` or `img_align_celeba.zip`, or the folder above `celeba`. */
  root: string;
  split?: (typeof SPLITS)[number] | 'all';
  /** Which annotations become labels, side by side; none if left out. */
  targetType?: Target | readonly Target[];
  /** `none` leaves the pictures at 178x218 and is the only one without `size`. */
  crop?: keyof typeof CROPS | 'none';
  /** Height and width: 64 if left out. */
  size?: number;
  filter?: Filter;
}

const PARTITION = { file: 'list_eval_partition.txt', md5: 'd32c9cbf5e040fd4025c592c306e6668', columns: ['partition'] };

/** Pictures in the published data set. */
const COUNT = 202_599;

/**
 * CelebA: faces of celebrities (Liu et al., "Deep Learning Face Attributes in the Wild", 2015), 162,770 for training, 19,867
 * for validation and 19,962 for testing, as torchvision keeps it on disk; the pictures may stay in their zip archive (Node).
 *
 * @throws DatasetError `DATASETS_MISSING_FILE`, `DATASETS_BAD_ANNOTATIONS`, `DATASETS_CHECKSUM`, `DATASETS_NOT_ZIP`,
 *   `DATASETS_BAD_OPTION`
 */
export async function celeba(options: CelebaOptions): Promise<Dataset> {
  const root = rootOf(options, 'celeba');
  const { split = 'train', targetType = [] } = options;
  if (split !== 'all' && !SPLITS.includes(split)) {
    throw new DatasetError('DATASETS_BAD_OPTION', unknownName('split', split, [...SPLITS, 'all']));
  }
  const targets = typeof targetType === 'string' ? [targetType] : targetType;
  for (const target of targets) {
    if (!Object.hasOwn(TARGETS, target)) {
      throw new DatasetError('DATASETS_BAD_OPTION', unknownName('targetType', target, Object.keys(TARGETS)));
    }
  }
  const steps = cropSteps(options);
  const folder = await findFolder(root);
  const partition = await readTargets(folder, [PARTITION], COUNT);
  const rows = Array.from(partition.names.keys()).filter(
    (row) => split === 'all' || partition.values[row] === SPLITS.indexOf(split),
  );
  const names = rows.map((row) => partition.names[row]!);
  const annotations =
    targets.length === 0
      ? undefined
      : await readTargets(
          folder,
          targets.map((target) => TARGETS[target]),
          COUNT,
          partition.names,
        );
  const store = await findPictures(folder, names);
  const source = encodedSource({ store, channels: 3 }, (row) => `${folder}/img_align_celeba/${names[row]}`);
  const labels = annotations && labelsOf(rows, annotations);
  const published = partition.verified && annotations?.verified !== false;
  return new Dataset(new View({ source, labels, steps }), {
    name: `CelebA, ${split === 'all' ? 'all parts' : `${split} part`}`,
    location: folder,
    // That the annotations are the published ones says nothing about the bytes of the pictures, which have no checksums.
    ...(!published && { verified: false }),
  });
}

function cropSteps({ crop: name = 'squash', size, filter = 'bilinear' }: CelebaOptions): Transform[] {
  if (name === 'none') {
    if (size === undefined) return [];
    const remedy = "choose another crop, or leave out `size` with `crop: 'none'`";
    throw new DatasetError(
      'DATASETS_BAD_OPTION',
      invalidArgument({ argument: 'size', value: size, allowed: 'left out', remedy }),
    );
  }
  if (!Object.hasOwn(CROPS, name)) {
    throw new DatasetError('DATASETS_BAD_OPTION', unknownName('crop', name, [...Object.keys(CROPS), 'none']));
  }
  return [...CROPS[name](), resize([size ?? 64, size ?? 64], { filter })];
}

async function findFolder(root: string): Promise<string> {
  const fs = nodeModule('node:fs');
  const path = nodeModule('node:path');
  const places = [root, path.join(root, 'celeba')];
  const found = places.find((place) => fs.existsSync(path.join(place, PARTITION.file)));
  if (found !== undefined) return found;
  throw new DatasetError(
    'DATASETS_MISSING_FILE',
    `There is no ${PARTITION.file} in ${places.join(' or ')}. CelebA is published on Google Drive by its authors ` +
      '(mmlab.ie.cuhk.edu.hk/projects/CelebA.html); put its files into one folder and give that as `root`.',
  );
}

async function findPictures(folder: string, names: readonly string[]): Promise<StoreSpec> {
  const fs = nodeModule('node:fs');
  const path = nodeModule('node:path');
  const pictures = path.join(folder, 'img_align_celeba');
  if (fs.existsSync(pictures)) return { kind: 'files', folder: pictures, names };
  const archive = `${pictures}.zip`;
  if (!fs.existsSync(archive)) {
    throw new DatasetError('DATASETS_MISSING_FILE', `There is neither ${pictures} nor ${archive}.`);
  }
  const entries = new Map(
    (await withFile(archive, zipEntries)).map((entry) => [path.posix.basename(entry.name), entry]),
  );
  return zipStore(
    archive,
    names.map((name) => {
      const entry = entries.get(name);
      if (entry !== undefined) return entry;
      throw new DatasetError('DATASETS_MISSING_FILE', `${archive} has no ${name}, which ${PARTITION.file} lists.`);
    }),
  );
}

function labelsOf(
  rows: readonly number[],
  { columns, values }: { columns: readonly string[]; values: Int32Array },
): { data: Int32Array; width: number; names?: readonly string[] } {
  const width = columns.length;
  const data = new Int32Array(rows.length * width);
  rows.forEach((row, i) => data.set(values.subarray(row * width, (row + 1) * width), i * width));
  return width === 1 ? { data, width } : { data, width, names: columns };
}
