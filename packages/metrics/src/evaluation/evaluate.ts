import { unknownName } from '@missing-u/errors';
import { FeatureList } from '../distributions/feature-list.ts';
import { FeatureStatistics } from '../distributions/feature-statistics.ts';
import { warnOfRank } from '../distributions/frechet-inception-distance.ts';
import { frechetDistanceInWorker } from '../distributions/frechet-distance.ts';
import { inceptionScore } from '../distributions/inception-score.ts';
import { kernelInceptionDistance } from '../distributions/kernel-inception-distance.ts';
import { loadMoments, saveMoments, type Moments } from '../distributions/moments.ts';
import { numpyRandomState } from '../distributions/numpy-random-state.ts';
import { precisionRecall } from '../distributions/precision-recall.ts';
import { MetricError, refuse } from '../errors.ts';
import { collect, type Kept } from './collect.ts';
import type { FolderOptions } from './image-folder.ts';
import type { EvaluationNetwork } from './networks.ts';

/** What can be asked for; `prdc` is precision, recall, density and coverage, `sfid` FID on features with their places. */
export const evaluationMetrics = ['fid', 'kid', 'is', 'prdc', 'sfid'] as const;
export type EvaluationMetric = (typeof evaluationMetrics)[number];

const standardMetrics: readonly EvaluationMetric[] = ['fid', 'kid', 'is', 'prdc'];

export interface EvaluationOptions extends FolderOptions {
  /** A folder of pictures, or for `fid` alone an `.npz` of statistics; as `fake`. */
  readonly real: string;
  /** A folder of generated pictures. */
  readonly fake: string;
  readonly network: EvaluationNetwork;
  /** Default `fid`, `kid`, `is` and `prdc`. */
  readonly metrics?: readonly EvaluationMetric[];
  /** Seed of KID's subsets and of the inception score's shuffle (default 2020, as torch-fidelity). */
  readonly seed?: number;
  /** Where to write the statistics of the real pictures, an `.npz` that can be `real` next time (needs `fid`). */
  readonly saveReal?: string;
  readonly warn?: (message: string) => void;
}

/** The numbers under torch-fidelity's keys; with another network than FID's, its name stands behind them. */
export type Evaluation = Readonly<Record<string, number>>;

/**
 * Compares two folders of pictures. The pictures pass the network once, batch by batch. `fid` and `sfid` need the same memory
 * for any number of pictures; `kid`, `prdc` and `is` keep features or logits.
 *
 * @throws MetricError `METRIC_NO_IMAGES`, `METRIC_BAD_IMAGE` where `strict`, `METRIC_TOO_FEW`, `METRIC_BAD_ARGUMENT`
 */
export async function evaluate(options: EvaluationOptions): Promise<Evaluation> {
  const { network, metrics = standardMetrics, seed = 2020, warn = console.warn } = options;
  checkRequest(options, metrics);
  const wants = (metric: EvaluationMetric) => metrics.includes(metric);
  const [fake, real] = [await sideOf('fake', options, metrics), await sideOf('real', options, metrics)];

  const result: Record<string, number> = {};
  const put = (key: string, value: number) => (result[`${key}${network.suffix}`] = value);
  if (wants('is')) {
    const logits = fake.logits!.compute();
    const splits = Math.min(10, logits.rows);
    if (splits < 10)
      warn(
        `${logits.rows} images make ${splits} splits of the inception score, not 10: it does not compare with others.`,
      );
    const { mean, std } = inceptionScore(logits, { splits, generator: numpyRandomState(seed) });
    put('inception_score_mean', mean);
    put('inception_score_std', std);
  }
  const frechet = async (a: Moments, b: Moments) => {
    warnOfRank(a, 'real', warn);
    warnOfRank(b, 'generated', warn);
    return frechetDistanceInWorker(a.mu, a.sigma, b.mu, b.sigma);
  };
  if (wants('fid')) {
    const [a, b] = [momentsOf(real.moments!), momentsOf(fake.moments!)];
    if (options.saveReal !== undefined) await saveMoments(a, options.saveReal);
    put('frechet_inception_distance', await frechet(a, b));
  }
  if (wants('sfid')) {
    const [a, b] = [momentsOf(real.spatialMoments!), momentsOf(fake.spatialMoments!)];
    put('spatial_frechet_inception_distance', await frechet(a, b));
  }
  if (wants('kid')) {
    const [a, b] = [real.features!.compute(), fake.features!.compute()];
    const least = Math.min(a.rows, b.rows);
    if (least < 1000)
      warn(
        `${least} images are fewer than the 1000 of a subset of KID: subsets of ${least} are taken, and mean and std compare only with those of such subsets.`,
      );
    const { mean, std } = kernelInceptionDistance(a, b, { generator: numpyRandomState(seed) });
    put('kernel_inception_distance_mean', mean);
    put('kernel_inception_distance_std', std);
  }
  if (wants('prdc')) {
    const { precision, recall, fScore, density, coverage } = precisionRecall(
      fake.features!.compute(),
      real.features!.compute(),
    );
    for (const [key, value] of Object.entries({ precision, recall, f_score: fScore, density, coverage }))
      put(key, value);
  }
  return result;
}

/** One folder's numbers, or those of a file. */
type Side = Omit<Kept, 'moments'> & { readonly moments?: FeatureStatistics | Moments };

function checkRequest({ real, fake, saveReal }: EvaluationOptions, metrics: readonly EvaluationMetric[]): void {
  for (const metric of metrics) {
    if (!evaluationMetrics.includes(metric))
      throw new MetricError('METRIC_BAD_ARGUMENT', unknownName('metrics', metric, evaluationMetrics));
  }
  for (const [argument, value] of Object.entries({ real, fake })) {
    const others = metrics.filter((metric) => metric !== 'fid' && (argument === 'fake' || metric !== 'is'));
    if (!isStatistics(value) || others.length === 0) continue;
    const allowed = `a folder for ${others.join(' and ')}, because a file of statistics has no single features`;
    refuse({ argument, value, allowed });
  }
  if (saveReal !== undefined && !metrics.includes('fid'))
    refuse({ argument: 'saveReal', value: saveReal, allowed: 'given together with the metric fid' });
}

/** Whether a path is a file of statistics, not a folder of pictures. */
export function isStatistics(path: string): boolean {
  return path.endsWith('.npz');
}

async function sideOf(
  side: 'real' | 'fake',
  options: EvaluationOptions,
  metrics: readonly EvaluationMetric[],
): Promise<Side> {
  const wants = (...names: EvaluationMetric[]) => names.some((name) => metrics.includes(name));
  const path = options[side];
  if (isStatistics(path)) return wants('fid') ? { moments: await loadMoments(path) } : {};
  const kept: Kept = {
    ...(wants('fid') ? { moments: new FeatureStatistics() } : {}),
    ...(wants('sfid') ? { spatialMoments: new FeatureStatistics() } : {}),
    ...(wants('kid', 'prdc') ? { features: new FeatureList() } : {}),
    ...(wants('is') && side === 'fake' ? { logits: new FeatureList() } : {}),
  };
  return Object.keys(kept).length === 0 ? kept : collect(path, options.network, kept, options);
}

function momentsOf(found: FeatureStatistics | Moments): Moments {
  return found instanceof FeatureStatistics ? found.compute() : found;
}
