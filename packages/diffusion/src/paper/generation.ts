import { bestSteps, compare, type CompareOptions, type ComparisonResult } from '../evaluation/compare.ts';
import { metricPlot } from '../reports/comparison.ts';
import type { Figure } from '../reports/page.ts';
import { gridPng } from '../reports/picture.ts';
import type { Table } from '../reports/table.ts';
import type { ExperimentResult } from './experiment.ts';
import { table1, type PublishedGeneration } from './published.ts';

export type GenerationOptions = Omit<CompareOptions, 'onResult'> & {
  /** The data set as the paper calls it, or another one, for which it has no numbers. */
  dataset: string;
  /** The name of the distance among the metrics. */
  distance: string;
  /** How the measurement differs from the paper's. */
  setUp: string;
  onProgress?: (done: number, total: number, what: string) => void;
};

/** The samplers of Table 1: ancestral on a subsequence of the chain, which is DDIM with eta 1, and DDIM. */
export const samplersOfThePaper = { ddpm: 1, ddim: 0 } as const satisfies Record<
  PublishedGeneration['sampler'],
  number
>;

/**
 * Table 1: the lowest Fréchet distance over the numbers of steps, the number of steps it was found at, and the time that an image
 * takes then; with the distance against the number of steps as a figure, and the samples.
 */
export async function generationTable(options: GenerationOptions): Promise<ExperimentResult> {
  const { dataset, distance, setUp, onProgress, ...comparison } = options;
  const total = options.contenders.length * (options.samplers ?? []).length * options.steps.length;
  let done = 0;
  const results = await compare({
    ...comparison,
    onResult: ({ model, sampler, steps, values }) =>
      onProgress?.((done += 1), total, `${model} ${sampler} ${steps}: ${values[distance]!.toFixed(2)}`),
  });
  const best = bestSteps(results, distance);
  const others = Object.keys(best[0]?.values ?? {}).filter((name) => name !== distance);
  const table: Table = {
    caption: `Table 1: ${distance} of ${options.count} samples at the best of ${options.steps.join(', ')} steps. What differs: ${setUp}`,
    columns: [
      ...['model', 'sampler', 'FID, paper', 'steps, paper', 's / image, paper'],
      ...[`${distance}, ours`, 'steps, ours', 's / image, ours', 's / step, ours', ...others, 'parameters'],
    ],
    rows: best.map(({ model, sampler, steps, values, seconds, count, secondsPerStep }) => {
      const paper = table1.find((row) => row.dataset === dataset && row.model === model && row.sampler === sampler);
      const parameters = options.contenders.find(({ name }) => name === model)?.parameters ?? null;
      return [
        ...[model, sampler, paper?.fid ?? null, paper?.steps ?? null, paper?.seconds ?? null],
        ...[
          values[distance]!,
          steps,
          seconds / count,
          secondsPerStep,
          ...others.map((name) => values[name]!),
          parameters,
        ],
      ];
    }),
  };
  const pictures = await Promise.all(best.map(picture));
  const data = results.map(({ samples: _samples, ...measured }) => measured);
  return { title: 'Table 1: samples', table, figures: [metricPlot(distance, results), ...pictures], data };
}

async function picture({ model, sampler, steps, samples }: ComparisonResult): Promise<Figure> {
  const caption = `${model}, ${sampler}, ${steps} steps`;
  return { kind: 'picture', png: await gridPng(samples), caption, name: `${model.toLowerCase()}-${sampler}` };
}
