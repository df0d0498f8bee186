import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { createGenerator } from '@missing-u/random';
import { DDPMScheduler } from '@missing-u/schedulers';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { table4 } from '../src/paper/denoisers.ts';
import { courseFigure, measureDenoising, table2, table3, type MeasuredDenoising } from '../src/paper/denoising.ts';
import { memoryTable } from '../src/paper/memory.ts';
import { denoisedFigures } from '../src/paper/pictures.ts';
import { solverTable, type MeasuredSolver } from '../src/paper/solvers.ts';

beforeAll(() => useEngine('wasm').then(() => undefined));

const scheduler = () => new DDPMScheduler({ num_train_timesteps: 100 });
const ramp = (count: number) => tf.reshape<tf.Rank.R4>(tf.linspace(-1, 1, count * 256), [count, 16, 16, 1]);

describe('solvers of a network', () => {
  it('begin with its own, on a chain of any length', { timeout: 120_000 }, async () => {
    const network = new CUNet({
      ...{ channels: 8, inChannels: 1, imageSize: 16, trainTimesteps: 100 },
      solver: { method: 'euler', steps: 2 },
    });
    // Nearly nothing happens in the blocks, so that the exact solvers are quick.
    for (const { variable } of network.parameters()) variable.assign(tf.mul(variable, 0.1));
    const images = ramp(1);
    const options = { network, scheduler: scheduler(), images, batch: 1, seed: 0, setUp: '' };
    const { table, data, figures } = await solverTable(options);
    const rows = data as MeasuredSolver[];
    expect(rows.map(({ solver }) => solver)).toEqual([
      ...['euler, 2 steps', 'rk4, 1 step', 'euler, 1 step', 'midpoint, 1 step', 'rk4, 2 steps', 'rk4, 4 steps'],
      ...['dopri5, 1e-2', 'dopri5, 1e-3', 'dopri5, 1e-5'],
    ]);
    expect(rows[0]!.evaluations).toBe(2);
    expect(rows.at(-1)!.difference).toBe(0);
    expect(table.caption).toContain('differences are from dopri5, 1e-5');
    expect(figures[0]!.caption).toContain('trained with euler, 2 steps');
    network.dispose();
    images.dispose();
  });
});

describe('tables of denoising', () => {
  const measured: MeasuredDenoising = {
    ...{ model: 'U-Net', start: 50, images: 2 },
    best: { ssim: { value: 0.9, step: 3, seconds: 1 } },
    noisy: { ssim: 0.5 },
    course: { ssim: [0.7, 0.8, 0.9] },
  };

  it('have columns that differ in name', () => {
    const denoiser = { method: 'BM3D', start: 150, ssim: 0.5, lpips: null };
    const tables = [table2([measured], ''), table3([measured], ''), table4([denoiser], [measured], '')];
    for (const { table, title } of tables) {
      expect(new Set(table.columns).size, title).toBe(table.columns.length);
      expect(table.rows[0]).toHaveLength(table.columns.length);
    }
  });

  it('have ticks at different numbers of steps, few as they are', () => {
    const [figure] = courseFigure('ssim', [measured], '').figures;
    const { svg } = figure as { svg: string };
    const labels = /aria-label="x-axis tick label"[^>]*>(.*?)<\/g>/s.exec(svg)![1]!.replaceAll(/<[^>]+>/g, ' ');
    expect(labels.trim().split(/\s+/)).toEqual(['1', '2']);
  });
});

it('pictures are of the images before, noisy, and after the last step of each model', async () => {
  const images = ramp(10);
  const fixed = (value: number) => ({ predict: (x: tf.Tensor4D) => tf.fill<tf.Rank.R4>(x.shape, value) });
  const { numTensors } = tf.memory();
  const { results, pictures } = await measureDenoising({
    models: { 'U-Net': fixed(0), 'cU-Net': fixed(0.5) },
    ...{ scheduler: scheduler(), images, starts: [2, 3], generator: createGenerator(0), chunkSize: 6 },
  });
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(results).toHaveLength(4);
  expect(pictures.map(({ start, shape }) => [start, shape])).toEqual([2, 3].map((start) => [start, [6, 16, 16, 1]]));
  const { clean, noisy, denoised } = pictures[0]!;
  expect(clean).toEqual(images.dataSync().slice(0, 6 * 256));
  const off = (row: Float32Array | undefined) => row!.reduce((sum, value, i) => sum + Math.abs(value - clean[i]!), 0);
  expect(off(noisy)).toBeGreaterThan(0);
  expect(off(denoised['U-Net'])).not.toBe(off(noisy));
  expect(off(denoised['cU-Net'])).not.toBe(off(denoised['U-Net']));
  const figures = await denoisedFigures(pictures);
  expect(figures.map(({ name }) => name)).toEqual(['t2', 't3']);
  expect(figures[0]!.caption).toContain('original, noisy, U-Net, cU-Net after 2 reverse steps');
  const { width, height } = await sharp((figures[0] as { png: Uint8Array }).png).metadata();
  // Six across and four down, with gaps of 2, twice as large.
  expect([width, height]).toEqual([2 * (6 * 18 + 2), 2 * (4 * 18 + 2)]);
  images.dispose();
});

it('memory ends where a signal says so', { timeout: 60_000 }, async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  const onProgress = (done: number) => {
    seen.push(done);
    setImmediate(() => controller.abort(new Error('enough')));
  };
  const running = memoryTable({ size: 16, channels: 1, onProgress, signal: controller.signal });
  await expect(running).rejects.toThrow('enough');
  expect(seen.length).toBeLessThan(4);
});
