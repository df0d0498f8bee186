import { compile } from '@missing-u/engine';
import { createGenerator, type Generator } from '@missing-u/random';
import { summary, type SummarizedModel } from '@missing-u/unet-blocks';
import * as Plot from '@observablehq/plot';
import * as tf from '@tensorflow/tfjs-core';
import { makePreset, type Network } from '../networks.ts';
import { nextTurn } from '../next-turn.ts';
import { figure, palette } from '../plots/figure.ts';
import type { ExperimentResult } from './experiment.ts';
import { peakBytes } from '../kernels.ts';
import { table5, type PublishedNetwork } from './published.ts';

/** A row of Table 5: the preset with the structure of the first author's code, whose counts are the paper's, and ours. */
interface Row {
  paper: PublishedNetwork;
  published: string;
  ours: string;
  differs: string;
}

const presets: readonly Omit<Row, 'paper'>[] = [
  { published: 'unet', ours: 'unet', differs: 'nothing' },
  { published: 'published-a5', ours: 'cunet-a5', differs: 'second order (eq. 4), time as scale and shift in f' },
  { published: 'published-woA', ours: 'cunet-woA', differs: 'the same' },
  {
    published: 'published-woR',
    ours: 'cunet-woR',
    differs: `the same; published: time outside f, 0.8M; the paper's GFLOPS have attention at five places (1.695 at 64 x 64 x 3)`,
  },
  { published: 'published-woAR', ours: 'cunet-woAR', differs: 'the same; published: time outside f, 0.8M' },
];

/** What a network costs, counted and measured. */
export interface NetworkCost {
  parameters: number;
  /** Multiply-adds of one call on one image. */
  operations: number;
  checkpointBytes: number;
}

export interface MeasuredNetwork {
  model: string;
  paper: PublishedNetwork;
  published: NetworkCost;
  ours: NetworkCost;
  /** Median of the calls, in milliseconds, and the highest number of bytes in tensors during one, beyond the weights. */
  callMs: number;
  peakBytes: number;
}

export interface NetworkOptions {
  /** Side and channels of the image; the paper's 64 and 3 if left out. */
  size?: number;
  channels?: number;
  /** Timed calls per network, the networks in turns; default 5. */
  calls?: number;
  onProgress?: (done: number, total: number, model: string) => void;
  signal?: AbortSignal;
}

/**
 * Table 5: operations, checkpoint bytes and parameters of the U-Net, the continuous U-Net and its ablations, with the time of a
 * call and its peak memory, which the paper does not give.
 */
export async function networkTable(options: NetworkOptions = {}): Promise<ExperimentResult> {
  const { size = 64, channels = 3 } = options;
  const measured = await measureNetworks(options);
  const baseline = measured[0]!;
  const table = {
    caption:
      `Table 5 and Figure 6: one call on one image of ${size} x ${size} x ${channels}, on ${tf.getBackend()}. ` +
      `Operations are multiply-adds in 10^9; MB are MiB of a training checkpoint, as in the paper; peak is of tensors in an eager call, beyond the weights.`,
    columns: [
      'model',
      ...['GFLOPS', 'MB', 'parameters'].flatMap((cost) =>
        ['paper', 'published form', 'ours'].map((of) => `${cost}, ${of}`),
      ),
      ...['ms / call', 'of U-Net', 'peak MiB', 'what differs'],
    ],
    rows: measured.map(({ model, paper, published, ours, callMs, peakBytes }, i) => [
      model,
      ...[paper.gigaOperations, published.operations / 1e9, ours.operations / 1e9],
      ...[paper.megabytes, published.checkpointBytes / 2 ** 20, ours.checkpointBytes / 2 ** 20],
      ...[`${paper.parameters}M`, published.parameters, ours.parameters],
      ...[callMs, callMs / baseline.callMs, peakBytes / 2 ** 20, presets[i]!.differs],
    ]),
  };
  return { title: 'Table 5: what the networks cost', table, figures: [parameterFigure(measured)], data: measured };
}

/** Figure 6: parameters of the networks, as printed and as built here. */
export function parameterTable(options: Pick<NetworkOptions, 'size' | 'channels'> = {}): ExperimentResult {
  const { size = 64, channels = 3 } = options;
  const counted = presets.map((row, i) => ({
    model: table5[i]!.model,
    paper: table5[i]!,
    published: costOf(row.published.replace('-a5', '-a2'), size, channels),
    ours: costOf(row.ours.replace('-a5', ''), size, channels),
  }));
  const table = {
    caption: 'Figure 6: parameters. The published form of the cU-Net has attention at two places here, as ours has.',
    columns: ['model', 'paper', 'published form', 'ours', 'ours of the U-Net'],
    rows: counted.map(({ model, paper, published, ours }) => [
      ...[model, `${paper.parameters}M`, published.parameters, ours.parameters],
      ours.parameters / counted[0]!.ours.parameters,
    ]),
  };
  return { title: 'Figure 6: parameters', table, figures: [parameterFigure(counted)], data: counted };
}

async function measureNetworks(options: NetworkOptions): Promise<MeasuredNetwork[]> {
  const { size = 64, channels = 3, calls = 5, onProgress, signal } = options;
  const image = tf.zeros<tf.Rank.R4>([1, size, size, channels]);
  const rows = presets.map((row, i) => ({
    ...row,
    model: table5[i]!.model,
    network: initialized(row.ours, size, channels),
  }));
  const timed = rows.map(({ network }) => ({
    run: compile((x: tf.Tensor4D) => network.predict(x, 500)),
    times: [] as number[],
  }));
  try {
    // In turns, so that a slow minute of the machine is everybody's; the first round warms up.
    for (let round = 0; round <= calls; round++) {
      for (const [i, { run, times }] of timed.entries()) {
        await nextTurn();
        signal?.throwIfAborted();
        const begin = performance.now();
        const prediction = run(image);
        await prediction.data();
        prediction.dispose();
        if (round > 0) times.push(performance.now() - begin);
        onProgress?.(round * rows.length + i + 1, (calls + 1) * rows.length, rows[i]!.model);
      }
    }
    return rows.map(({ model, published, ours, network }, i) => ({
      model,
      paper: table5[i]!,
      published: costOf(published, size, channels),
      ours: costOf(ours, size, channels),
      callMs: median(timed[i]!.times),
      peakBytes: peakBytes(() => network.predict(image, 500).dispose()),
    }));
  } finally {
    for (const { run } of timed) run.dispose();
    for (const { network } of rows) network.dispose();
    image.dispose();
  }
}

/** What the modules of this project have, for first weights. */
interface Initializable {
  initialize(generator: Generator): void;
}

function initialized(preset: string, size: number, channels: number): Network {
  const network = makePreset(preset, channels, size) as Network & Initializable;
  network.initialize(createGenerator(0));
  return network;
}

function costOf(preset: string, size: number, channels: number): NetworkCost {
  const network = makePreset(preset, channels, size);
  try {
    const counted = summary(network as unknown as SummarizedModel, [size, size, channels]);
    const { parameters, operations, checkpointBytes } = counted;
    return { parameters, operations, checkpointBytes };
  } finally {
    network.dispose();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function parameterFigure(rows: readonly Pick<MeasuredNetwork, 'model' | 'paper' | 'ours'>[]) {
  const bars = rows.flatMap(({ model, paper, ours }) => [
    { model, who: 'paper', millions: paper.parameters },
    { model, who: 'ours', millions: ours.parameters / 1e6 },
  ]);
  const svg = figure({
    fx: { label: null, domain: rows.map(({ model }) => model) },
    x: { axis: null, domain: ['paper', 'ours'] },
    y: { label: 'parameters (millions)', grid: true },
    color: { range: palette, domain: ['paper', 'ours'] },
    marks: [
      Plot.barY(bars, { fx: 'model', x: 'who', y: 'millions', fill: 'who' }),
      Plot.text(bars, {
        fx: 'model',
        x: 'who',
        y: 'millions',
        text: ({ millions }: { millions: number }) => millions.toFixed(1),
        dy: -7,
      }),
      Plot.ruleY([0]),
    ],
  });
  return { kind: 'plot', svg, caption: 'Parameters of the networks: the paper (left), ours (right)' } as const;
}
