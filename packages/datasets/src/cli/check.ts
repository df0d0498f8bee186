import type { Dataset } from '../dataset.ts';
import { cannotBeDecoded } from '../pipeline/collate.ts';

/** What reading every picture of a data set has shown. */
export interface Checked {
  readonly name: string;
  readonly location: string | null;
  readonly pictures: number;
  /** Whether the files are the published ones, byte for byte; null where no checksum is known. */
  readonly verified: boolean | null;
  /** Why pictures cannot be decoded, one message each. */
  readonly corrupt: readonly string[];
  /** Pictures of each class, by its name. */
  readonly classes: Readonly<Record<string, number>>;
}

/** Reads every picture of a data set, and says what there is and what is wrong with it. */
export async function check(dataset: Dataset): Promise<Checked> {
  const { info, length } = dataset;
  const counts = new Map<number, number>();
  const corrupt: string[] = [];
  for (let i = 0; i < length; i++) {
    try {
      await dataset.get(i);
    } catch (error) {
      if (!cannotBeDecoded(error)) throw error;
      corrupt.push(error.message);
    }
    const label = dataset.labelOf(i);
    if (typeof label === 'number') counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const classes = (info.classes ?? []).map((name, label) => [name, counts.get(label) ?? 0] as const);
  return {
    name: info.name,
    location: info.location ?? null,
    pictures: length,
    verified: info.verified ?? null,
    corrupt,
    classes: Object.fromEntries(classes),
  };
}

/** The same for people, line by line. */
export function checkedLines({ name, location, pictures, verified, corrupt, classes }: Checked): string[] {
  const lines = [`${name}: ${pictures} pictures in ${location ?? 'memory'}`];
  if (verified === true) lines.push('the files are the published ones, byte for byte');
  if (verified === false) lines.push('the files are not the published ones, but whole');
  return [...lines, ...corrupt, ...Object.entries(classes).map(([label, count]) => `${label}: ${count}`)];
}
