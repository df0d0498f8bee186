import { SpectraSum, type Aggregate } from './aggregate.ts';
import { gatherGroup, haar, inverseHaar } from './group.ts';
import { matchBlocks } from './matching.ts';
import { cropPlanes, type Planes } from './planes.ts';
import type { Bm3dParameters, StageParameters } from './profiles.ts';
import { spectraOf } from './spectra.ts';
import { tilesOf, type Tile } from './tiles.ts';
import { kaiserWindow, transformOf } from './transforms.ts';

/** One stage's work on one tile: the planes are cropped to its area. */
export interface TileTask {
  readonly tile: Tile;
  readonly noisy: Planes;
  /** The estimate of the first stage, which the second is guided by. */
  readonly basic: Planes | undefined;
  /** Standard deviation of the noise in each plane. */
  readonly sigmas: readonly number[];
  readonly parameters: Bm3dParameters;
}

/** The tasks of a stage. */
export function* tasksOf(task: Omit<TileTask, 'tile'>): Generator<TileTask> {
  const { noisy, basic } = task;
  const stage = stageOf(task);
  for (const tile of tilesOf(noisy.width, noisy.height, stage)) {
    const crop = (planes: Planes) => cropPlanes(planes, tile.area, stage.patchSize);
    yield { ...task, tile, noisy: crop(noisy), basic: basic && crop(basic) };
  }
}

/**
 * Collaborative filtering of all groups of a tile: hard thresholding in the first stage, Wiener's filter in the second.
 * Returns what the tile contributes to each plane's pixels in its area.
 */
export function filterTile(task: TileTask): Aggregate[] {
  const { noisy, basic, tile, parameters, sigmas } = task;
  const { threshold: lambda, chrominanceFactor } = parameters.hardThreshold;
  const stage = stageOf(task);
  const transform = transformOf(stage.transform, stage.patchSize);
  const window = kaiserWindow(stage.patchSize, stage.kaiserBeta);
  const perPatch = stage.patchSize ** 2;
  const matches = matchBlocks(basic ?? noisy, tile, stage);
  const groups = groupViews(stage);
  const guides = groupViews(stage);
  const starts = new Int32Array(stage.groupSize);

  return noisy.data.map((plane, index) => {
    const spectra = spectraOf(plane, tile.area, transform);
    const guide = basic && spectraOf(basic.data[index]!, tile.area, transform);
    const total = new SpectraSum(tile.area, perPatch);
    const sigma = sigmas[index]!;
    const threshold = lambda * (index === 0 ? 1 : chrominanceFactor);
    for (let reference = 0; reference < matches.counts.length; reference++) {
      const count = matches.counts[reference]!;
      for (let i = 0; i < count; i++) starts[i] = matches.patches[reference * stage.groupSize + i]! * perPatch;
      const group = groups[count]!;
      gatherGroup(spectra, starts, perPatch, group);
      haar(group, perPatch);
      let weight: number;
      if (guide === undefined) {
        weight = hardThreshold(group, threshold * sigma, sigma);
      } else {
        gatherGroup(guide, starts, perPatch, guides[count]!);
        haar(guides[count]!, perPatch);
        weight = wiener(group, guides[count]!, sigma);
      }
      inverseHaar(group, perPatch);
      total.add(group, starts, weight);
    }
    return total.invert(transform, window);
  });
}

function stageOf({ basic, parameters }: Pick<TileTask, 'basic' | 'parameters'>): StageParameters {
  return basic === undefined ? parameters.hardThreshold : parameters.wiener;
}

/** Memory for one group at a time, as a view for each number of patches that a group may have. */
function groupViews({ patchSize, groupSize }: StageParameters): Record<number, Float64Array> {
  const memory = new Float64Array(groupSize * patchSize ** 2);
  const counts = Array.from({ length: Math.log2(groupSize) + 1 }, (_, i) => 2 ** i);
  return Object.fromEntries(counts.map((count) => [count, memory.subarray(0, count * patchSize ** 2)]));
}

/** Sets small coefficients to zero; returns the group's weight, one over the noise that is left (equation 10). */
function hardThreshold(group: Float64Array, threshold: number, sigma: number): number {
  let kept = 0;
  for (let i = 0; i < group.length; i++) {
    const value = group[i]!;
    if (value < threshold && value > -threshold) group[i] = 0;
    else kept++;
  }
  return 1 / (sigma * sigma * Math.max(kept, 1));
}

/**
 * Shrinks each coefficient by Wiener's factor, taken from the guide (equation 8); returns the weight (equation 11). A group that
 * keeps next to nothing, as where a picture has no colour, counts like one that keeps a single coefficient: as in the first stage.
 */
function wiener(group: Float64Array, guide: Float64Array, sigma: number): number {
  const variance = sigma * sigma;
  let norm = 0;
  for (let i = 0; i < group.length; i++) {
    const power = guide[i]! * guide[i]!;
    const factor = power / (power + variance);
    group[i]! *= factor;
    norm += factor * factor;
  }
  return 1 / (variance * Math.max(norm, 1));
}

/** Collects what the tiles of a stage contribute. */
export class StageResult {
  readonly #noisy: Planes;
  readonly #totals: readonly Aggregate[];

  constructor(noisy: Planes) {
    this.#noisy = noisy;
    const size = noisy.width * noisy.height;
    this.#totals = noisy.data.map(() => ({ sums: new Float32Array(size), weights: new Float32Array(size) }));
  }

  add({ tile: { area }, noisy: { width, height } }: TileTask, aggregates: readonly Aggregate[]): void {
    for (const [index, { sums, weights }] of aggregates.entries()) {
      const total = this.#totals[index]!;
      for (let y = 0, from = 0; y < height; y++) {
        const to = (area.top + y) * this.#noisy.width + area.left;
        for (let x = 0; x < width; x++, from++) {
          total.sums[to + x]! += sums[from]!;
          total.weights[to + x]! += weights[from]!;
        }
      }
    }
  }

  /** The weighted means. */
  planes(): Planes {
    const data = this.#totals.map(({ sums, weights }) => sums.map((sum, i) => sum / weights[i]!));
    return { ...this.#noisy, data };
  }
}
