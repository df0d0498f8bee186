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
 * difference of two. The squared differences at the opposite shift are the same ones elsewhere, so two opposite shifts share
 * the sums along rows. Near shifts come first: they hold the best matches, which leave little to sort in later.
 */
export function matchBlocks(planes: Planes, tile: Tile, parameters: StageParameters): Matches {
  const { patchSize, searchSize, groupSize, matchThreshold } = parameters;
  const { rows, columns } = tile;
  const reach = (searchSize - 1) / 2;
  const nearest = new Nearest(
    rows.length * columns.length,
    groupSize,
    (matchThreshold / 255 ** 2) * patchSize * patchSize,
  );
  // Read some thousand times: float64 saves the conversions.
  const image = Float64Array.from(planes.data[0]!);
  const { width } = planes;
  // At one shift: squared differences summed up along a row, and those of each reference column downwards.
  const along = new Float64Array(width + 1);
  const downForth = new Float64Array((planes.height + 1) * columns.length);
  const downBack = new Float64Array(downForth.length);

  for (let dy = 0; dy <= reach; dy++) {
    for (let dx = dy === 0 ? 0 : -reach; dx <= reach; dx++) {
      const opposite = dy !== 0 || dx !== 0;
      const forth = sight(tile, patchSize, dy, dx, false);
      // A reference is compared with the patch at (-dy, -dx): the squared differences of that patch at (dy, dx).
      const back = opposite ? sight(tile, patchSize, -dy, -dx, true) : nothing;
      const xFrom = Math.min(forth.xFrom, back.xFrom);
      const xTo = Math.max(forth.xTo, back.xTo);
      downForth.fill(0, forth.yFrom * columns.length, (forth.yFrom + 1) * columns.length);
      if (opposite) downBack.fill(0, back.yFrom * columns.length, (back.yFrom + 1) * columns.length);
      for (let y = Math.min(forth.yFrom, back.yFrom); y < Math.max(forth.yTo, back.yTo); y++) {
        const isForth = y >= forth.yFrom && y < forth.yTo;
        const isBack = y >= back.yFrom && y < back.yTo;
        if (!isForth && !isBack) continue;
        const here = y * width;
        const there = here + dy * width + dx;
        let sum = 0;
        along[xFrom] = 0;
        for (let x = xFrom; x < xTo; x++) {
          const difference = image[here + x]! - image[there + x]!;
          sum += difference * difference;
          along[x + 1] = sum;
        }
        if (isForth) addRow(along, downForth, y, columns, forth, patchSize);
        if (isBack) addRow(along, downBack, y, columns, back, patchSize);
      }
      compare(nearest, downForth, tile, forth, patchSize);
      if (opposite) compare(nearest, downBack, tile, back, patchSize);
    }
  }
  return { counts: nearest.counts.map(powerOfTwo), patches: nearest.patches };
}

/** The references that have a patch at a shift (dy, dx), and the pixels at which the squared differences of the two are kept. */
interface Sight {
  readonly dy: number;
  readonly dx: number;
  /** From a reference to where its squared differences are: backwards, at the patch that it is compared with. */
  readonly offsetY: number;
  readonly offsetX: number;
  readonly rowFrom: number;
  readonly rowTo: number;
  readonly columnFrom: number;
  readonly columnTo: number;
  readonly yFrom: number;
  readonly yTo: number;
  readonly xFrom: number;
  readonly xTo: number;
}

function sight({ area, rows, columns }: Tile, patchSize: number, dy: number, dx: number, back: boolean): Sight {
  const [rowFrom, rowTo] = inside(rows, dy, area.rows);
  const [columnFrom, columnTo] = inside(columns, dx, area.columns);
  if (rowFrom === rowTo || columnFrom === columnTo) return nothing;
  const [offsetY, offsetX] = back ? [dy, dx] : [0, 0];
  return {
    dy,
    dx,
    offsetY,
    offsetX,
    rowFrom,
    rowTo,
    columnFrom,
    columnTo,
    yFrom: rows[rowFrom]! + offsetY,
    yTo: rows[rowTo - 1]! + offsetY + patchSize,
    xFrom: columns[columnFrom]! + offsetX,
    xTo: columns[columnTo - 1]! + offsetX + patchSize,
  };
}

const FAR = 2 ** 30 - 1;

/** What is seen from references that are all too near the edge. */
const nothing: Sight = {
  dy: 0,
  dx: 0,
  offsetY: 0,
  offsetX: 0,
  rowFrom: 0,
  rowTo: 0,
  columnFrom: 0,
  columnTo: 0,
  yFrom: FAR,
  yTo: -FAR,
  xFrom: FAR,
  xTo: -FAR,
};

/** Adds a row of pixels to the sums downwards of each reference column. */
function addRow(
  along: Float64Array,
  down: Float64Array,
  y: number,
  columns: Int32Array,
  { columnFrom, columnTo, offsetX }: Sight,
  patchSize: number,
): void {
  const above = y * columns.length;
  const below = above + columns.length;
  for (let j = columnFrom; j < columnTo; j++) {
    const x = columns[j]! + offsetX;
    down[below + j] = down[above + j]! + along[x + patchSize]! - along[x]!;
  }
}

/** Offers each reference the patch at the shift. */
function compare(
  nearest: Nearest,
  down: Float64Array,
  { area, rows, columns }: Tile,
  at: Sight,
  patchSize: number,
): void {
  const { dy, dx, offsetY, columnFrom, columnTo } = at;
  const { worst } = nearest;
  for (let i = at.rowFrom; i < at.rowTo; i++) {
    const top = (rows[i]! + offsetY) * columns.length;
    const bottom = top + patchSize * columns.length;
    const references = i * columns.length;
    const patchRow = (rows[i]! + dy) * area.columns + dx;
    for (let j = columnFrom; j < columnTo; j++) {
      // A patch is nearest to itself, whatever rounding says, and where the picture is flat and many are as near.
      const distance = dy === 0 && dx === 0 ? -1 : down[bottom + j]! - down[top + j]!;
      if (distance < worst[references + j]!) nearest.insert(references + j, distance, patchRow + columns[j]!);
    }
  }
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
