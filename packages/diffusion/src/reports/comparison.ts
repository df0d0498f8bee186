import * as Plot from '@observablehq/plot';
import sharp from 'sharp';
import { bestSteps, type ComparisonResult, type ModelFacts } from '../evaluation/compare.ts';
import { imageGrid } from '../images/grid.ts';
import { figure, palette } from '../plots/figure.ts';
import { reportPage, type Section } from './page.ts';
import type { Table } from './table.ts';

/** All measurements of a comparison, a row each. */
export function comparisonTable(results: readonly ComparisonResult[]): Table {
  const metrics = Object.keys(results[0]?.values ?? {});
  return {
    caption: `${results[0]?.count ?? 0} images per row, the same noise for all; time is of sampling alone`,
    columns: ['model', 'sampler', 'steps', ...metrics, 's / step', 's / image', 's'],
    rows: results.map(({ model, sampler, steps, count, values, seconds, secondsPerStep }) => {
      return [model, sampler, steps, ...metrics.map((name) => values[name]!), secondsPerStep, seconds / count, seconds];
    }),
  };
}

/** What the models are, a row each. */
export function contendersTable(contenders: readonly ModelFacts[]): Table {
  return {
    caption:
      'The networks: multiply-adds of one call on one image; a training checkpoint holds weights, average and two moments',
    columns: ['model', 'parameters', 'operations', 'checkpoint MiB'],
    rows: contenders.map(({ name, parameters, operations, checkpointBytes }) => {
      return [
        name,
        parameters ?? null,
        operations ?? null,
        checkpointBytes === undefined ? null : checkpointBytes / 2 ** 20,
      ];
    }),
  };
}

/** A comparison as one self-contained page: tables, each metric against steps and time, and the first samples. */
export async function comparisonPage(
  title: string,
  contenders: readonly ModelFacts[],
  results: readonly ComparisonResult[],
): Promise<string> {
  const metrics = Object.keys(results[0]?.values ?? {});
  const sections: Section[] = [
    { kind: 'heading', text: 'Networks' },
    { kind: 'table', table: contendersTable(contenders) },
    { kind: 'heading', text: 'Quality and time' },
    { kind: 'table', table: comparisonTable(results) },
    ...metrics.map((metric) => metricPlot(metric, results)),
    { kind: 'heading', text: 'Samples at the best number of steps' },
  ];
  const first = metrics[0];
  for (const { model, sampler, steps, samples } of first === undefined ? [] : bestSteps(results, first)) {
    const { data, width, height, channels } = imageGrid(samples);
    const raw = { width, height, channels: channels as 1 | 3 };
    const png = await sharp(data, { raw })
      .resize({ width: 2 * width, kernel: 'nearest' })
      .png()
      .toBuffer();
    sections.push({ kind: 'picture', png, caption: `${model}, ${sampler}, ${steps} steps` });
  }
  return reportPage(title, sections);
}

export function metricPlot(metric: string, results: readonly ComparisonResult[]): Section {
  const points = results.map(({ model, sampler, steps, values }) => ({
    series: `${model}, ${sampler}`,
    steps,
    value: values[metric]!,
  }));
  const svg = figure({
    x: {
      type: 'log',
      label: 'denoising steps',
      ticks: [...new Set(results.map(({ steps }) => steps))],
      tickFormat: 'd',
    },
    y: { label: metric, grid: true },
    color: { legend: false, range: palette },
    marks: [
      // The series is named, or Plot warns where each has one point only.
      Plot.line(points, { x: 'steps', y: 'value', z: 'series', stroke: 'series', strokeWidth: 2 }),
      Plot.dot(points, { x: 'steps', y: 'value', fill: 'series', r: 3 }),
      Plot.text(
        points,
        Plot.selectLast({ x: 'steps', y: 'value', z: 'series', text: 'series', textAnchor: 'start', dx: 6 }),
      ),
    ],
    marginRight: 130,
  });
  return { kind: 'plot', svg, caption: `${metric} against the number of denoising steps` };
}
