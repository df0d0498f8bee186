import { Dataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import { rootOf } from '../files/root.ts';
import { keyOf, type LmdbIndex } from '../formats/lmdb.ts';
import { nodeModule } from '../platform.ts';
import { encodedSource } from '../sources/encoded.ts';
import type { StoreSpec } from '../sources/store.ts';
import { View } from '../view.ts';
import { fit, type FitOptions } from './fit.ts';
import { openLmdbIndex } from './lmdb-index.ts';

/** The ten scene categories; object categories (`cat`, `horse`, ...) have no parts. */
const SCENES = [
  'bedroom',
  'bridge',
  'church_outdoor',
  'classroom',
  'conference_room',
  'dining_room',
  'kitchen',
  'living_room',
  'restaurant',
  'tower',
];

/** How to open LSUN. */
export interface LsunOptions extends FitOptions {
  /** The folder of the `<class>_lmdb` folders, or one of these. */
  root: string;
  /**
   * `train` or `val` for all ten scenes, `test`, or a list like `['church_outdoor_train']`: `<class>_lmdb` is the folder, so
   * object categories and own databases in the same format are open too. Left out where `root` is a database itself.
   */
  classes?: 'train' | 'val' | 'test' | readonly string[];
}

/**
 * LSUN (Yu et al., 2015): one LMDB database of encoded pictures per class (Node). Databases are read without a lock or a
 * memory map, so read-only folders do, and an index of where each picture lies is made once; the format of each picture is
 * told by its bytes, whatever its name says.
 *
 * ```ts
 * const churches = await lsun({ root: 'lsun', classes: ['church_outdoor_train'], size: 64 });
 * ```
 *
 * @throws DatasetError `DATASETS_MISSING_FILE`, `DATASETS_NOT_LMDB`, `DATASETS_TRUNCATED`, `DATASETS_CORRUPT_LMDB`,
 *   `DATASETS_BAD_OPTION`
 */
export async function lsun(options: LsunOptions): Promise<Dataset> {
  const root = rootOf(options, 'lsun');
  const { classes: asked } = options;
  const fs = nodeModule('node:fs');
  const path = nodeModule('node:path');
  const single = fs.existsSync(path.join(root, 'data.mdb'));
  if (!single && asked === undefined) {
    throw new DatasetError(
      'DATASETS_MISSING_FILE',
      `There is no data.mdb in ${root}; give such a folder, or say with \`classes\` which \`<class>_lmdb\` folders in it to read.`,
    );
  }
  const classes = single ? [path.basename(root).replace(/_lmdb$/, '')] : classNames(asked!);
  const parts: { file: string; index: LmdbIndex }[] = [];
  for (const name of classes) {
    const file = path.join(single ? root : path.join(root, `${name}_lmdb`), 'data.mdb');
    parts.push({ file, index: await openLmdbIndex(file) });
  }
  const counts = parts.map(({ index }) => index.starts.length);
  const labels = new Int32Array(counts.reduce((sum, count) => sum + count, 0));
  let start = 0;
  for (const [label, count] of counts.entries()) labels.fill(label, start, (start += count));
  const store: StoreSpec = {
    kind: 'joined',
    parts: parts.map(({ file, index: { starts, sizes } }) => ({ kind: 'ranges', file, starts, sizes })),
  };
  const source = encodedSource({ store, channels: 3 }, (row) => {
    const label = labels[row]!;
    const first = counts.slice(0, label).reduce((sum, count) => sum + count, 0);
    return `${classes[label]}/${keyOf(parts[label]!.index, row - first)}`;
  });
  const view = new View({ source, labels: { data: labels, width: 1 }, steps: fit(options) });
  return new Dataset(view, { name: `LSUN, ${classes.join(', ')}`, location: root, classes });
}

function classNames(asked: NonNullable<LsunOptions['classes']>): readonly string[] {
  if (asked === 'test') return ['test'];
  return typeof asked === 'string' ? SCENES.map((scene) => `${scene}_${asked}`) : asked;
}
