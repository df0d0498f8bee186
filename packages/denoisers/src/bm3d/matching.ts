import type { Planes } from './planes.ts';
import type { StageParameters } from './profiles.ts';
import type { Tile } from './tiles.ts';

/** For each reference patch of a tile, row by row: the nearest patches, itself the first. */
export interface Matches {
  /** Patches found, at most the group's size, brought down to a power of two. */
  readonly counts: Int32Array;
  /** Their numbers in the tile's area, row by row; `groupSize` for each reference. */
  readonly patches: Int32Array;
}

/**
 * Finds the patches nearest to each reference within the search window, by squared difference in the first plane.
 *
 * The differences of two patches shifted by (dy, dx) are sums over a window of the image of squared differences at that
 * shift, so all references are compared at one shift after the other: squared differences along a row are summed up once,
 * a patch's row is the difference of two of these sums; those are summed up downwards in turn, and a distance is again a
 * difference of two.
 */
export function matchBlocks(planes: Planes, tile: Tile, parameters: StageParameters): Matches {
  const { patchSize, searchSize, groupSize, matchThreshold } = parameters;
  const { area, rows, columns } = tile;
  const [rowCount, columnCount] = [rows.length, columns.length];
  const reach = (searchSize - 1) / 2;
  const nearest = new Nearest(rowCount * columnCount, groupSize, (matchThreshold / 255 ** 2) * patchSize * patchSize);
  const { worst } = nearest;
  // Read some thousand times: float64 saves the conversions.
  const image = Float64Array.from(planes.data[0]!);
  const { width } = planes;
  // At one shift: squared differences summed up along a row, and those of each reference column downwards.
  const along = new Float64Array(width + 1);
  const down = new Float64Array((planes.height + 1) * columnCount);

  for (let dy = -reach; dy <= reach; dy++) {
    const [rowFrom, rowTo] = inside(rows, dy, area.rows);
    if (rowFrom === rowTo) continue;
    const yFrom = rows[rowFrom]!;
    const yTo = rows[rowTo - 1]! + patchSize;
    for (let dx = -reach; dx <= reach; dx++) {
      const [columnFrom, columnTo] = inside(columns, dx, area.columns);
      if (columnFrom === columnTo) continue;
      const xFrom = columns[columnFrom]!;
      const xTo = columns[columnTo - 1]! + patchSize;
      down.fill(0, yFrom * columnCount, (yFrom + 1) * columnCount);
      for (let y = yFrom; y < yTo; y++) {
        const here = y * width;
        const there = here + dy * width + dx;
        let sum = 0;
        along[xFrom] = 0;
        for (let x = xFrom; x < xTo; x++) {
          const difference = image[here + x]! - image[there + x]!;
          sum += difference * difference;
          along[x + 1] = sum;
        }
        const above = y * columnCount;
        const below = above + columnCount;
        for (let j = columnFrom; j < columnTo; j++) {
          const x = columns[j]!;
          down[below + j] = down[above + j]! + along[x + patchSize]! - along[x]!;
        }
      }
      for (let i = rowFrom; i < rowTo; i++) {
        const top = rows[i]! * columnCount;
        const bottom = top + patchSize * columnCount;
        const references = i * columnCount;
        const patchRow = (rows[i]! + dy) * area.columns + dx;
        for (let j = columnFrom; j < columnTo; j++) {
          // A patch is nearest to itself, whatever rounding says, and where the picture is flat and many are as near.
          const distance = dy === 0 && dx === 0 ? -1 : down[bottom + j]! - down[top + j]!;
          if (distance < worst[references + j]!) nearest.insert(references + j, distance, patchRow + columns[j]!);
        }
      }
    }
  }
  return { counts: nearest.counts.map(powerOfTwo), patches: nearest.patches };
}

/** The range of references (sorted) that stay within [0, end) when they are shifted. */
function inside(references: Int32Array, shift: number, end: number): [number, number] {
  let first = 0;
  let last = references.length;
  while (first < last && references[first]! + shift < 0) first++;
  while (last > first && references[last - 1]! + shift >= end) last--;
  return [first, last];
}

/** The nearest patches of each reference, sorted. */
class Nearest {
  readonly counts: Int32Array;
  readonly patches: Int32Array;
  /** Distance from which on a patch is of no interest. */
  readonly worst: Float64Array;
  readonly #distances: Float64Array;
  readonly #size: number;

  constructor(references: number, size: number, limit: number) {
    this.counts = new Int32Array(references);
    this.patches = new Int32Array(references * size);
    this.worst = new Float64Array(references).fill(limit);
    this.#distances = new Float64Array(references * size);
    this.#size = size;
  }

  insert(reference: number, distance: number, patch: number): void {
    const base = reference * this.#size;
    const distances = this.#distances;
    const full = this.counts[reference] === this.#size;
    let at = base + (full ? this.#size - 1 : this.counts[reference]!++);
    for (; at > base && distances[at - 1]! > distance; at--) {
      distances[at] = distances[at - 1]!;
      this.patches[at] = this.patches[at - 1]!;
    }
    distances[at] = distance;
    this.patches[at] = patch;
    if (this.counts[reference] === this.#size) this.worst[reference] = distances[base + this.#size - 1]!;
  }
}

function powerOfTwo(count: number): number {
  return 1 << (31 - Math.clz32(count));
}
