import { invalidArgument } from '@missing-u/errors';
import type { Dataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import type { Image } from '../image.ts';
import { drawText, LETTER_HEIGHT, lettersIn } from './font.ts';

const GAP = 2;
const BACKGROUND = 32;
const INK = 224;

/** The first pictures of a data set in a grid, each with its label under it, as bytes. */
export async function labelledGrid(
  dataset: Dataset,
  { rows, columns }: { rows: number; columns: number },
): Promise<Image> {
  for (const [argument, value] of Object.entries({ rows, columns })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new DatasetError(
      'DATASETS_BAD_OPTION',
      invalidArgument({ argument, value, allowed: 'an integer of 1 or more' }),
    );
  }
  const shown = dataset.take(rows * columns);
  const batch = (await shown.batches({ batchSize: rows * columns, as: 'array', dtype: 'uint8' }).next()).value;
  if (batch === undefined) throw new DatasetError('DATASETS_EMPTY', `${dataset.info.name} has no pictures to show.`);
  const [count, height, width, channels] = batch.shape;
  const caption = LETTER_HEIGHT + GAP;
  const [cellHeight, cellWidth] = [height + caption + GAP, width + GAP];
  const lines = Math.ceil(count / columns);
  const total = [lines * cellHeight + GAP, columns * cellWidth + GAP, channels] as const;
  const data = new Uint8Array(total[0] * total[1] * channels).fill(BACKGROUND);
  for (let i = 0; i < count; i++) {
    const [top, left] = [GAP + Math.floor(i / columns) * cellHeight, GAP + (i % columns) * cellWidth];
    for (let y = 0; y < height; y++) {
      const start = (i * height + y) * width * channels;
      data.set(batch.images.subarray(start, start + width * channels), ((top + y) * total[1] + left) * channels);
    }
    drawText(captionOf(dataset, i).slice(0, lettersIn(width)), (x, y) => {
      const at = ((top + height + GAP + y) * total[1] + left + x) * channels;
      data.fill(INK, at, at + channels);
    });
  }
  return { data, shape: total };
}

function captionOf(dataset: Dataset, index: number): string {
  const label = dataset.labelOf(index);
  if (typeof label !== 'number') return String(index);
  return dataset.info.classes?.[label] ?? String(label);
}
