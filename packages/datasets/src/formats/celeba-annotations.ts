import { DatasetError } from '../errors.ts';
import { isWebPage, WEB_PAGE } from './web-page.ts';

/** A table of whole numbers by picture. */
export interface Annotations {
  readonly names: readonly string[];
  /** Names of the columns, where the file has them. */
  readonly columns: readonly string[];
  /** Row by row. */
  readonly values: Int32Array;
}

/**
 * Reads an annotation file of CelebA: fields between runs of spaces, one picture a line. `list_attr`, `list_bbox` and
 * `list_landmarks` begin with the number of pictures and the names of the columns (`list_bbox` names the first column too,
 * the others do not); `identity_CelebA` and `list_eval_partition` have neither.
 *
 * @throws DatasetError `DATASETS_BAD_ANNOTATIONS`
 */
export function parseAnnotations(text: string, file: string, { header }: { header: boolean }): Annotations {
  if (isWebPage(text.slice(0, 200))) throw bad(file, WEB_PAGE);
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const rows = header ? lines.slice(2) : lines;
  const first = rows[0]?.trim().split(/\s+/);
  if (first === undefined || first.length < 2) throw bad(file, 'it has no rows of a name and numbers');
  const width = first.length - 1;
  let columns: string[] = [];
  if (header) {
    const count = Number(lines[0]);
    if (count !== rows.length) throw bad(file, `its first line is '${lines[0]}', but it has ${rows.length} rows`);
    columns = lines[1]!.trim().split(/\s+/);
    if (columns.length === width + 1) columns.shift();
    if (columns.length !== width)
      throw bad(file, `it names ${columns.length} columns, but its rows have ${width} numbers`);
  }
  const names: string[] = [];
  const values = new Int32Array(rows.length * width);
  rows.forEach((row, i) => {
    const fields = row.trim().split(/\s+/);
    const numbers = fields.slice(1).map(Number);
    if (fields.length !== width + 1 || !numbers.every(Number.isInteger)) {
      throw bad(file, `row ${i + 1} is '${row.trim().slice(0, 60)}', where a name and ${width} whole numbers belong`);
    }
    names.push(fields[0]!);
    values.set(numbers, i * width);
  });
  return { names, columns, values };
}

function bad(file: string, why: string): DatasetError {
  return new DatasetError('DATASETS_BAD_ANNOTATIONS', `${file} is not as CelebA's annotations are: ${why}.`);
}
