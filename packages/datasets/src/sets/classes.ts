import type { DatasetError } from '../errors.ts';

/** Class numbers of the rows of a file, and the names of the classes where the file has these instead. */
export interface ClassLabels {
  readonly data: Int32Array;
  readonly classes?: readonly string[];
}

/**
 * Class numbers from labels as a file has them: whole numbers, or names, which are numbered in their order by code units.
 * Whatever is neither would become some class silently, so it is refused.
 */
export function classesOf(
  labels: ArrayLike<unknown>,
  refuse: (row: number, label: unknown) => DatasetError,
): ClassLabels {
  if (typeof labels[0] === 'string') return namedClasses(labels, refuse);
  const data = new Int32Array(labels.length);
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row];
    const value = ['number', 'bigint', 'boolean'].includes(typeof label) ? Number(label) : NaN;
    data[row] = value;
    if (data[row] !== value) throw refuse(row, label);
  }
  return { data };
}

function namedClasses(labels: ArrayLike<unknown>, refuse: (row: number, label: unknown) => DatasetError): ClassLabels {
  const names = Array.from(labels, (label, row) => {
    if (typeof label === 'string') return label;
    throw refuse(row, label);
  });
  const classes = [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));
  const numbers = new Map(classes.map((name, label) => [name, label]));
  return { data: Int32Array.from(names, (name) => numbers.get(name)!), classes };
}
