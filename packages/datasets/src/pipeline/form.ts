import { DatasetError } from '../errors.ts';
import type { ImageShape } from '../image.ts';
import type { ArrayBatch } from './batch.ts';

/** What all batches of a data set have to agree in, where they are to be kept together. */
export interface Form {
  readonly shape: ImageShape;
  /** Numbers per label; 0 where there are none. */
  readonly labelWidth: number;
  /** The form of the partners, after `zip`. */
  readonly paired?: Form;
}

/** The form of a data set without examples. */
export const NO_FORM: Form = { shape: [1, 1, 1], labelWidth: 0 };

export function formOf({ shape: [count, ...shape], labels, paired }: ArrayBatch): Form {
  return { shape, labelWidth: (labels?.length ?? 0) / count, ...(paired && { paired: formOf(paired) }) };
}

/** @throws DatasetError `DATASETS_SHAPES_DIFFER`, `DATASETS_LABELS_DIFFER`, `DATASETS_PAIRS_DIFFER` */
export function checkForm(found: Form, { shape, labelWidth, paired }: Form): void {
  if (found.shape.join() !== shape.join()) {
    throw new DatasetError(
      'DATASETS_SHAPES_DIFFER',
      `The pictures are [${shape}] and [${found.shape}], but have to be of one size; open the data set with a \`size\`.`,
    );
  }
  if (found.labelWidth !== labelWidth) {
    throw new DatasetError(
      'DATASETS_LABELS_DIFFER',
      `The labels have ${labelWidth} and ${found.labelWidth} numbers, but have to be of one kind; look at the functions that ` +
        'the data set was given with `map`.',
    );
  }
  if ((found.paired === undefined) !== (paired === undefined)) throw pairsDiffer();
  if (found.paired !== undefined && paired !== undefined) checkForm(found.paired, paired);
}

export function pairsDiffer(): DatasetError {
  return new DatasetError(
    'DATASETS_PAIRS_DIFFER',
    'Some examples are paired and some are not; let the functions that the data set was given with `map` keep `paired` in ' +
      'all examples, or in none.',
  );
}
