import type { StageParameters } from './profiles.ts';

/** A rectangle of positions of patches, by their upper left pixels; ends exclusive. */
export interface Area {
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly columns: number;
}

/** A part of the work: reference patches, and the area of those that they may be compared with. */
export interface Tile {
  readonly area: Area;
  /** Rows and columns of the reference patches, counted from the area's first. */
  readonly rows: Int32Array;
  readonly columns: Int32Array;
}

/**
 * Most reference patches along a side of a tile: the spectra of a tile then take some 8 MB a plane, however large the
 * image is.
 */
const REFERENCES = 43;

/** Splits the reference patches of an image into tiles. What a tile yields does not depend on the others: there are no seams. */
export function tilesOf(width: number, height: number, { patchSize, step, searchSize }: StageParameters): Tile[] {
  const reach = (searchSize - 1) / 2;
  const [lastRow, lastColumn] = [height - patchSize, width - patchSize];
  return chunks(references(lastRow, step)).flatMap((rows) =>
    chunks(references(lastColumn, step)).map((columns) => {
      const [top, bottom] = [Math.max(0, rows[0]! - reach), Math.min(lastRow, rows.at(-1)! + reach) + 1];
      const [left, right] = [Math.max(0, columns[0]! - reach), Math.min(lastColumn, columns.at(-1)! + reach) + 1];
      return {
        area: { top, left, rows: bottom - top, columns: right - left },
        rows: rows.map((row) => row - top),
        columns: columns.map((column) => column - left),
      };
    }),
  );
}

/** 0, step, 2 step ... and the last position, so that the patches cover the whole image. */
function references(last: number, step: number): Int32Array {
  const positions: number[] = [];
  for (let at = 0; at < last; at += step) positions.push(at);
  return Int32Array.of(...positions, last);
}

/** Parts of nearly equal size. */
function chunks(positions: Int32Array): Int32Array[] {
  const count = Math.ceil(positions.length / REFERENCES);
  const start = (i: number) => Math.round((i * positions.length) / count);
  return Array.from({ length: count }, (_, i) => positions.slice(start(i), start(i + 1)));
}
