import { DatasetError } from '../errors.ts';
import { diskFolder } from '../files/disk.ts';
import { md5 } from '../files/md5.ts';
import { parseAnnotations } from '../formats/celeba-annotations.ts';

/** What is known about each face. */
export type Target = 'attr' | 'identity' | 'bbox' | 'landmarks';

interface TargetFile {
  readonly file: string;
  readonly md5: string;
  readonly header?: boolean;
  /** Names of the columns, where the file has none. */
  readonly columns?: readonly string[];
  /** What is done to each number. */
  readonly map?: (value: number) => number;
}

export const TARGETS: Readonly<Record<Target, TargetFile>> = {
  attr: {
    file: 'list_attr_celeba.txt',
    md5: '75e246fa4810816ffd6ee81facbd244c',
    header: true,
    // -1 and 1 become 0 and 1.
    map: (value) => (value + 1) >> 1,
  },
  identity: { file: 'identity_CelebA.txt', md5: '32bd1bd63d3c78cd57e08160ec5ed1e2', columns: ['identity'] },
  bbox: { file: 'list_bbox_celeba.txt', md5: '00566efa6fedff7a56946cd1c10f1c16', header: true },
  landmarks: { file: 'list_landmarks_align_celeba.txt', md5: 'cc24ecafdb5b50baae59b03474781f8c', header: true },
};

/** Annotation files side by side: one row per picture. */
export interface Targets {
  readonly names: readonly string[];
  readonly columns: readonly string[];
  readonly values: Int32Array;
  /** Whether all of them are the published files. */
  readonly verified: boolean;
}

/**
 * Reads annotation files and joins their columns. Files with as many pictures as the published ones have to be the
 * published ones.
 *
 * @param names the pictures that each file has to have, in this order; those of the first file if left out
 * @throws DatasetError `DATASETS_MISSING_FILE`, `DATASETS_BAD_ANNOTATIONS`, `DATASETS_CHECKSUM`
 */
export async function readTargets(
  folder: string,
  files: readonly TargetFile[],
  published: number,
  names?: readonly string[],
): Promise<Targets> {
  const tables = [];
  for (const { file, md5: expected, header = false, columns, map = (value: number) => value } of files) {
    const shown = `${folder}/${file}`;
    const bytes = await diskFolder(folder).read(file);
    if (bytes === undefined) throw new DatasetError('DATASETS_MISSING_FILE', `There is no ${shown}.`);
    const table = parseAnnotations(new TextDecoder().decode(bytes), shown, { header });
    const wanted = names ?? table.names;
    const differing = wanted.findIndex((name, row) => table.names[row] !== name);
    if (differing !== -1 || wanted.length !== table.names.length) {
      const row = differing === -1 ? wanted.length : differing;
      const there = table.names[row] ?? 'nothing';
      const message = `${shown} has ${there} in row ${row + 1}, where ${wanted[row] ?? 'nothing'} belongs.`;
      throw new DatasetError('DATASETS_BAD_ANNOTATIONS', message);
    }
    const whole = table.names.length === published;
    if (whole && md5(bytes) !== expected) {
      throw new DatasetError('DATASETS_CHECKSUM', `${shown} is not the published file, whose MD5 is ${expected}.`);
    }
    tables.push({ ...table, columns: columns ?? table.columns, values: table.values.map(map), whole });
  }
  const columns = tables.flatMap((table) => table.columns);
  const rows = tables[0]!.names.length;
  const values = new Int32Array(rows * columns.length);
  let start = 0;
  for (const table of tables) {
    const width = table.values.length / rows;
    for (let row = 0; row < rows; row++) {
      values.set(table.values.subarray(row * width, (row + 1) * width), row * columns.length + start);
    }
    start += width;
  }
  return { names: tables[0]!.names, columns, values, verified: tables.every((table) => table.whole) };
}
