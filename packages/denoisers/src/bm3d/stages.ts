import { SpectraSum, type Aggregate } from './aggregate.ts';
import { gatherGroup, haar, inverseHaar } from './group.ts';
import { matchBlocks } from './matching.ts';
import { GroupNoise } from './overlap.ts';
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
  const { threshold, chrominanceFactor } = parameters.hardThreshold;
  const { noiseFactor } = parameters.wiener;
  const stage = stageOf(task);
  const transform = transformOf(stage.transform, stage.patchSize);
  const perPatch = stage.patchSize ** 2;
  const matches = matchBlocks(basic ?? noisy, tile, stage);
  const planes = noisy.data.map((plane, index) => ({
    spectra: spectraOf(plane, tile.area, transform),
    guide: basic && spectraOf(basic.data[index]!, tile.area, transform),
    total: new SpectraSum(tile.area, perPatch),
    sigma: sigmas[index]!,
    threshold: threshold * (index === 0 ? 1 : chrominanceFactor),
  }));
  const noise = new GroupNoise(transform, stage.groupSize);
  const groups = groupViews(stage);
  const guides = groupViews(stage);
  const starts = new Int32Array(stage.groupSize);

  for (let reference = 0; reference < matches.counts.length; reference++) {
    const count = matches.counts[reference]!;
    const first = reference * stage.groupSize;
    for (let i = 0; i < count; i++) starts[i] = matches.patches[first + i]! * perPatch;
    const [group, guideGroup] = [groups[count]!, guides[count]!];
    const variances = basic && noise.variances(matches.patches, first, count, tile.area.columns);
    for (const { spectra, guide, total, sigma, threshold } of planes) {
      gatherGroup(spectra, starts, perPatch, group);
      haar(group, perPatch);
      let weight: number;
      if (variances === undefined) {
        weight = hardThreshold(group, threshold * sigma, sigma);
      } else {
        gatherGroup(guide!, starts, perPatch, guideGroup);
        haar(guideGroup, perPatch);
        weight = wiener(group, guideGroup, variances, sigma, noiseFactor);
      }
      inverseHaar(group, perPatch);
      total.add(group, starts, weight);
    }
  }
  const window = kaiserWindow(stage.patchSize, stage.kaiserBeta);
  return planes.map(({ total }) => total.invert(transform, window));
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
 * Shrinks each coefficient by Wiener's factor, taken from the guide (equation 8) and the noise that is in it; returns the weight
 * (equation 11). A group that keeps next to nothing, as where a picture has no colour, counts like one that keeps a single
 * coefficient: as in the first stage.
 */
function wiener(
  group: Float64Array,
  guide: Float64Array,
  variances: Float64Array,
  sigma: number,
  noiseFactor: number,
): number {
  const assumed = noiseFactor * sigma * sigma;
  let left = 0;
  for (let i = 0; i < group.length; i++) {
    const power = guide[i]! * guide[i]!;
    const variance = variances[i]!;
    const factor = power / (power + assumed * variance);
    group[i]! *= factor;
    left += factor * factor * variance;
  }
  return 1 / (sigma * sigma * Math.max(left, 1));
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
