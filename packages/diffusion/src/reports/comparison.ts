import { perceptionDistortion } from '@missing-u/metrics';
import * as Plot from '@observablehq/plot';
import { bestSteps, type ComparisonResult, type ModelFacts } from '../evaluation/compare.ts';
import type { Restored } from '../evaluation/restore.ts';
import { figure, palette } from '../plots/figure.ts';
import { reportPage, type Figure, type Section } from './page.ts';
import { gridPng } from './picture.ts';
import type { Cell, Table } from './table.ts';

/** A model's place in the perception-distortion plane. */
export type Restoration = Restored & { model: string };

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

/** The denoised held-out images, a row for each model and number of steps. */
export function restorationTable(restored: readonly Restoration[]): Table {
  const metrics = Object.keys(restored[0]?.values ?? {});
  const front = new Map(planeOf(restored).map(({ label, dominated }) => [label, !dominated]));
  return {
    caption:
      `${restored[0]?.count ?? 0} held-out images noised to t = ${restored[0]?.from ?? 0} and denoised by DDIM: distortion is the ` +
      'root mean squared error in [0, 1], perception the distance of the denoised images; on the front no other is better in both',
    columns: ['model', 'steps', 'distortion', ...metrics, 'on the front'],
    rows: restored.map((point) => [
      ...[point.model, point.steps, point.rmse, ...metrics.map((name) => point.values[name]!)],
      front.get(labelOf(point)) === true ? 'yes' : 'no',
    ]),
  };
}

/**
 * One table of everything for other programs: what the network is stands in each row, and the denoising of held-out images in
 * the first sampler's row of its model and number of steps.
 */
export function comparisonCsv(
  contenders: readonly ModelFacts[],
  results: readonly ComparisonResult[],
  restored: readonly Restoration[] = [],
): Table {
  const { caption, columns, rows } = comparisonTable(results);
  const facts = contendersTable(contenders);
  const metrics = Object.keys(restored[0]?.values ?? {});
  const places = ['distortion', ...metrics.map((name) => `${name} of denoised`)];
  return {
    caption,
    columns: [...columns, ...facts.columns.slice(1), ...places],
    rows: results.map(({ model, sampler, steps }, i) => {
      const first = results.find((other) => other.model === model && other.steps === steps)!.sampler === sampler;
      const place = first ? restored.find((point) => point.model === model && point.steps === steps) : undefined;
      const placed: Cell[] =
        place === undefined ? places.map(() => null) : [place.rmse, ...metrics.map((name) => place.values[name]!)];
      const known = facts.rows.find(([name]) => name === model)!.slice(1);
      return [...rows[i]!, ...known, ...placed];
    }),
  };
}

/** A comparison as one self-contained page: tables, each metric against steps, perception against distortion, the first samples. */
export async function comparisonPage(
  title: string,
  contenders: readonly ModelFacts[],
  results: readonly ComparisonResult[],
  restored: readonly Restoration[] = [],
): Promise<string> {
  const metrics = Object.keys(results[0]?.values ?? {});
  const sections: Section[] = [
    { kind: 'heading', text: 'Networks' },
    { kind: 'table', table: contendersTable(contenders) },
    { kind: 'heading', text: 'Quality and time' },
    { kind: 'table', table: comparisonTable(results) },
    ...metrics.map((metric) => metricPlot(metric, results)),
    ...(restored.length > 0 ? restorationSections(restored) : []),
    { kind: 'heading', text: 'Samples at the best number of steps' },
  ];
  const first = metrics[0];
  for (const { model, sampler, steps, samples } of first === undefined ? [] : bestSteps(results, first)) {
    const png = await gridPng(samples);
    sections.push({ kind: 'picture', png, caption: `${model}, ${sampler}, ${steps} steps` });
  }
  return reportPage(title, sections);
}

export function metricPlot(metric: string, results: readonly ComparisonResult[]): Figure {
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

const labelOf = ({ model, steps }: Restoration) => `${model}, ${steps}`;

/** The plane by the first metric. */
function planeOf(restored: readonly Restoration[]) {
  const metric = Object.keys(restored[0]?.values ?? {})[0];
  if (metric === undefined) return [];
  return perceptionDistortion(
    restored.map((point) => ({ label: labelOf(point), distortion: point.rmse, perception: point.values[metric]! })),
  );
}

function restorationSections(restored: readonly Restoration[]): Section[] {
  const [metric] = Object.keys(restored[0]!.values);
  const places = new Map(planeOf(restored).map((point) => [point.label, point]));
  const points = restored.map((point) => ({ ...point, ...places.get(labelOf(point))! }));
  const front = points.filter(({ dominated }) => !dominated).sort((a, b) => a.distortion - b.distortion);
  const place = { x: 'distortion', y: 'perception' };
  const svg = figure({
    x: { label: 'distortion: root mean squared error to the clean images', grid: true },
    y: { label: `perception: ${metric} of the denoised images`, grid: true },
    color: { legend: false, range: palette },
    marks: [
      Plot.line(front, { ...place, stroke: '#c8ccd4', strokeWidth: 6 }),
      Plot.line(points, { ...place, z: 'model', stroke: 'model', strokeWidth: 1 }),
      Plot.dot(points, { ...place, fill: 'model', r: 4 }),
      Plot.text(points, { ...place, text: 'steps', dy: -10 }),
      Plot.text(points, Plot.selectLast({ ...place, z: 'model', text: 'model', textAnchor: 'start', dx: 8 })),
    ],
    marginRight: 130,
  });
  const caption =
    'Perception against distortion, by denoising steps; both better when smaller, the grey line is the front';
  return [
    { kind: 'heading', text: 'Perception and distortion' },
    { kind: 'table', table: restorationTable(restored) },
    { kind: 'plot', svg, caption },
  ];
}
