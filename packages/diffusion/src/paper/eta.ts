import * as Plot from '@observablehq/plot';
import { compare, type CompareOptions, type ComparisonResult } from '../evaluation/compare.ts';
import type { SamplingScheduler } from '../contracts.ts';
import { figure, palette } from '../plots/figure.ts';
import type { Figure } from '../reports/page.ts';
import type { ExperimentResult } from './experiment.ts';

export type EtaOptions = Omit<CompareOptions, 'onResult' | 'samplers' | 'steps'> & {
  /** A DDIM scheduler of the chain that the models were trained on. */
  scheduler: SamplingScheduler;
  /** Shares of the fresh noise, 0 (DDIM) to 1 (DDPM on the same steps). */
  etas: readonly number[];
  /** Denoising steps. */
  steps: number;
  /** How the measurement was set up. */
  setUp: string;
  onProgress?: (done: number, total: number, what: string) => void;
};

export interface MeasuredEta {
  model: string;
  eta: number;
  steps: number;
  values: Record<string, number>;
}

/**
 * Samples against the share of fresh noise in each step (Song et al. 2021, eq. 16). For an exact network every eta gives the same
 * distribution as steps grow; a network's errors add up along the deterministic path and are partly forgotten where noise is fresh,
 * so the curve tells of both. The paper has its two ends alone.
 */
export async function etaTable(options: EtaOptions): Promise<ExperimentResult> {
  const rows = await measureEtas(options);
  const metrics = Object.keys(rows[0]?.values ?? {});
  const table = {
    caption:
      `Samples of DDIM with ${options.steps} steps against eta, the share of fresh noise in a step: ${options.count} for each row, ` +
      `from the same noise. Not in the paper. ${options.setUp}`,
    columns: ['model', 'eta', ...metrics],
    rows: rows.map(({ model, eta, values }) => [model, eta, ...metrics.map((name) => values[name]!)]),
  };
  return {
    title: 'Fresh noise in the steps of DDIM',
    table,
    figures: metrics.map((metric) => etaPlot(metric, rows)),
    data: rows,
  };
}

async function measureEtas(options: EtaOptions): Promise<MeasuredEta[]> {
  const { scheduler, etas, steps, setUp: _, onProgress, ...comparison } = options;
  const samplers = etas.map((eta) => ({ name: String(eta), scheduler, eta }));
  const total = options.contenders.length * etas.length;
  let done = 0;
  const onResult = ({ model, sampler, values }: ComparisonResult) => {
    const numbers = Object.values(values).map((value) => value.toPrecision(3));
    onProgress?.((done += 1), total, `${model}, eta ${sampler}: ${numbers.join(', ')}`);
  };
  const results = await compare({ ...comparison, samplers, steps: [steps], onResult });
  return results.map(({ model, sampler, values }) => ({ model, eta: Number(sampler), steps, values }));
}

function etaPlot(metric: string, rows: readonly MeasuredEta[]): Figure {
  const points = rows.map(({ model, eta, values }) => ({ model, eta, value: values[metric]! }));
  const svg = figure({
    x: { label: 'eta', domain: [0, 1] },
    y: { label: metric, grid: true },
    color: { legend: false, range: palette },
    marks: [
      Plot.line(points, { x: 'eta', y: 'value', z: 'model', stroke: 'model', strokeWidth: 2 }),
      Plot.dot(points, { x: 'eta', y: 'value', fill: 'model', r: 3 }),
      Plot.text(
        points,
        Plot.selectLast({ x: 'eta', y: 'value', z: 'model', text: 'model', textAnchor: 'start', dx: 6 }),
      ),
    ],
    marginRight: 90,
  });
  return { kind: 'plot', svg, caption: `${metric} against the share of fresh noise`, name: metric };
}
