import { CUNet, type GradientName } from '@missing-u/cunet';
import * as Plot from '@observablehq/plot';
import * as tf from '@tensorflow/tfjs-core';
import { nextTurn } from '../next-turn.ts';
import { figure, palette } from '../plots/figure.ts';
import type { ExperimentResult } from './experiment.ts';
import { peakBytes } from '../kernels.ts';

const gradients: readonly GradientName[] = ['direct', 'checkpointed', 'reversible', 'adjoint'];
const stepCounts = [1, 2, 4, 8];

export interface MemoryOptions {
  /** Side and channels of the images. */
  size: number;
  channels: number;
  onProgress?: (done: number, total: number, what: string) => void;
  signal?: AbortSignal;
}

export interface MeasuredMemory {
  gradient: GradientName;
  steps: number;
  peakBytes: number;
  milliseconds: number;
}

/**
 * Bytes of tensors that a gradient takes, by the way it passes the blocks and the steps of the solver: what the adjoint method is
 * for, and what the paper leaves out.
 */
export async function memoryTable(options: MemoryOptions): Promise<ExperimentResult> {
  const rows = await measureMemory(options);
  const { size, channels } = options;
  const of = (gradient: GradientName, steps: number) =>
    rows.find((row) => row.gradient === gradient && row.steps === steps)!;
  const table = {
    caption:
      `Peak MiB of tensors beyond the weights while the gradient of a cU-Net of 8 channels is computed, one image of ` +
      `${size} x ${size} x ${channels}, on ${tf.getBackend()}, and ms. Steps of rk4 in each block. Not in the paper.`,
    columns: ['gradient', ...stepCounts.flatMap((steps) => [`${stepsOf(steps)}, MiB`, `${stepsOf(steps)}, ms`])],
    rows: gradients.map((gradient) => [
      gradient,
      ...stepCounts.flatMap((steps) => {
        const { peakBytes, milliseconds } = of(gradient, steps);
        return [peakBytes / 2 ** 20, milliseconds];
      }),
    ]),
  };
  const points = rows.map(({ gradient, steps, peakBytes }) => ({ gradient, steps, MiB: peakBytes / 2 ** 20 }));
  const svg = figure({
    x: { type: 'log', label: 'steps of the solver', ticks: stepCounts, tickFormat: 'd' },
    y: { label: 'MiB', grid: true, zero: true },
    color: { range: palette },
    marks: [
      Plot.line(points, { x: 'steps', y: 'MiB', stroke: 'gradient', strokeWidth: 2 }),
      Plot.dot(points, { x: 'steps', y: 'MiB', fill: 'gradient', r: 3 }),
      Plot.text(
        points,
        Plot.selectLast({ x: 'steps', y: 'MiB', z: 'gradient', text: 'gradient', textAnchor: 'start', dx: 6 }),
      ),
    ],
    marginRight: 110,
  });
  return {
    title: 'Memory against the steps of the solver',
    table,
    figures: [{ kind: 'plot', svg, caption: 'Peak bytes of tensors of a gradient against the steps of the solver' }],
    data: rows,
  };
}

const stepsOf = (count: number) => `${count} step${count === 1 ? '' : 's'}`;

async function measureMemory({ size, channels, onProgress, signal }: MemoryOptions): Promise<MeasuredMemory[]> {
  const rows: MeasuredMemory[] = [];
  const image = tf.zeros<tf.Rank.R4>([1, size, size, channels]);
  try {
    for (const gradient of gradients) {
      for (const steps of stepCounts) {
        await nextTurn(); // Nothing here waits otherwise, and no signal would arrive.
        signal?.throwIfAborted();
        const network = new CUNet({
          ...{ channels: 8, inChannels: channels, imageSize: size },
          ...{ gradient, solver: { steps } },
        });
        const work = () => tf.dispose(tf.variableGrads(() => tf.mean(tf.square(network.predict(image, 500)))));
        if (steps === stepCounts[0]) work(); // The first one prepares kernels.
        const begin = performance.now();
        const peak = peakBytes(work);
        rows.push({ gradient, steps, peakBytes: peak, milliseconds: performance.now() - begin });
        network.dispose();
        onProgress?.(rows.length, gradients.length * stepCounts.length, `${gradient}, ${steps}`);
      }
    }
    return rows;
  } finally {
    image.dispose();
  }
}
