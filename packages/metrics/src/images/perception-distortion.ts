import { refuse } from '../errors.ts';

/** One model's place: how far its pictures are from the originals, and from looking real. Smaller is better for both. */
export interface PerceptionDistortionPoint {
  readonly label: string;
  /** MSE, or 1 - SSIM. */
  readonly distortion: number;
  /** LPIPS or FID. */
  readonly perception: number;
}

/** A point, and whether another one is at least as good in both and better in one. */
export type PlacedPoint = PerceptionDistortionPoint & { readonly dominated: boolean };

/**
 * Points of the perception-distortion plane (Blau and Michaeli 2018, figure 1), by growing distortion: those that are not
 * dominated form the front of what the models can trade.
 */
export function perceptionDistortion(points: readonly PerceptionDistortionPoint[]): PlacedPoint[] {
  for (const { label, distortion, perception } of points) {
    if (Number.isFinite(distortion) && Number.isFinite(perception)) continue;
    refuse({ argument: `points['${label}']`, value: [distortion, perception], allowed: 'two finite numbers' });
  }
  const beats = (a: PerceptionDistortionPoint, b: PerceptionDistortionPoint) =>
    a.distortion <= b.distortion &&
    a.perception <= b.perception &&
    (a.distortion < b.distortion || a.perception < b.perception);
  return points
    .map((point) => ({ ...point, dominated: points.some((other) => beats(other, point)) }))
    .sort((a, b) => a.distortion - b.distortion || a.perception - b.perception);
}
