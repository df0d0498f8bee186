import type { Dataset } from '../dataset.ts';
import { isCorrupt } from '../pipeline/collate.ts';

/** What reading every picture of a data set has shown. */
export interface Checked {
  /** For people, line by line. */
  readonly lines: readonly string[];
  /** Pictures that cannot be decoded. */
  readonly corrupt: number;
}

/** Reads every picture of a data set, and says what there is and what is wrong with it. */
export async function check(dataset: Dataset): Promise<Checked> {
  const { info, length } = dataset;
  const lines = [`${info.name}: ${length} pictures in ${info.location ?? 'memory'}`];
  if (info.verified === true) lines.push('the files are the published ones, byte for byte');
  if (info.verified === false) lines.push('the files are not the published ones, but whole');
  const counts = new Map<number, number>();
  let corrupt = 0;
  for (let i = 0; i < length; i++) {
    try {
      await dataset.get(i);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      lines.push(error.message);
      corrupt++;
    }
    const label = dataset.labelOf(i);
    if (typeof label === 'number') counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  if (info.classes !== undefined) {
    for (const [label, name] of info.classes.entries()) lines.push(`${name}: ${counts.get(label) ?? 0}`);
  }
  return { lines, corrupt };
}
