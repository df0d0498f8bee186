import type { Generator } from '@missing-u/random';
import { ssim, type LPIPS } from '@missing-u/metrics';
import * as Plot from '@observablehq/plot';
import * as tf from '@tensorflow/tfjs-core';
import type { Denoiser } from '../contracts.ts';
import {
  denoiseFrom,
  type DenoiseFromOptions,
  type DenoisingResult,
  type Measure,
} from '../evaluation/denoise-from.ts';
import { Predictor } from '../pipelines/predictor.ts';
import { figure, palette } from '../plots/figure.ts';
import type { Figure } from '../reports/page.ts';
import type { Cell, Table } from '../reports/table.ts';
import type { ExperimentResult } from './experiment.ts';
import { firstImages, Onlooker, type DenoisedPictures } from './pictures.ts';
import { tables2and3, type PaperModel, type PublishedDenoising } from './published.ts';

/** The numbers of forward steps that the paper noises images with. */
export const startsOfThePaper = Object.keys(tables2and3).map(Number);

export interface DenoisingOptions {
  models: Readonly<Record<PaperModel, Denoiser>>;
  scheduler: DenoiseFromOptions['scheduler'];
  /** Clean test images, [count, height, width, channels], float32 in [-1, 1]; they stay alive. */
  images: tf.Tensor4D;
  /** Forward steps to noise with. */
  starts: readonly number[];
  generator: Generator;
  /** Draw fresh noise in the reverse steps; default false, as in the paper's code. */
  addNoise?: boolean;
  /** Of images in three channels; without it, SSIM alone is measured. */
  lpips?: LPIPS;
  /** Images computed together; default 64. */
  chunkSize?: number;
  onProgress?: (done: number, total: number, what: string) => void;
  signal?: AbortSignal;
}

/** One model from one noise level: the best of each measure, the mean course of it, and the time. */
export interface MeasuredDenoising {
  model: PaperModel;
  start: number;
  images: number;
  /** Seconds of the network's calls are per image, computed `chunkSize` together. */
  best: Record<string, { value: number; step: number; seconds: number }>;
  noisy: Record<string, number>;
  /** Means over the images after each reverse step. */
  course: Record<string, number[]>;
}

/** All that the tables and figures of denoising are made of. */
export interface Denoising {
  results: MeasuredDenoising[];
  /** The first images, by noise level. */
  pictures: DenoisedPictures[];
}

/** The experiment of section 5.2 for both models and all noise levels; the images are noised alike for both. */
export async function measureDenoising(options: DenoisingOptions): Promise<Denoising> {
  const { models, starts, images, addNoise = false, chunkSize = 64, onProgress } = options;
  const count = images.shape[0];
  const chunks = Math.ceil(count / chunkSize);
  const total = Object.keys(models).length * chunks * starts.reduce((sum, start) => sum + start, 0);
  const results: MeasuredDenoising[] = [];
  const pictures: DenoisedPictures[] = [];
  // One graph of each for all levels.
  const networks = Object.entries(models).map(
    ([name, unet]) => [name as PaperModel, new Predictor(unet, undefined)] as const,
  );
  let done = 0;
  const denoised = async (model: PaperModel, unet: Predictor, start: number, onlooker: Onlooker) => {
    const parts: { count: number; result: DenoisingResult }[] = [];
    for (let first = 0; first < count; first += chunkSize) {
      const size = Math.min(chunkSize, count - first);
      const part = tf.slice(images, [first, 0, 0, 0], [size, -1, -1, -1]);
      const { ssim, ...others } = measuresOf(options.lpips);
      try {
        unet.prepare(part, 0);
        const result = await denoiseFrom({
          unet,
          scheduler: options.scheduler,
          images: part,
          steps: start,
          generator: options.generator,
          first,
          addNoise,
          measures: { ssim: first === 0 ? onlooker.beside(ssim) : ssim, ...others },
          onStep: () => onProgress?.((done += 1), total, `${model} from ${start}`),
          ...(options.signal && { signal: options.signal }),
        });
        parts.push({ count: size, result });
      } finally {
        part.dispose();
      }
    }
    results.push({ model, start, images: count, ...joined(parts, start) });
  };
  try {
    for (const start of starts) {
      const shown = await picturesOf(images, start, chunkSize);
      for (const [model, unet] of networks) {
        const onlooker = new Onlooker(start);
        try {
          await denoised(model, unet, start, onlooker);
          [shown.noisy, shown.denoised[model]] = await onlooker.pictures();
        } finally {
          onlooker.dispose();
        }
      }
      pictures.push(shown);
    }
    return { results, pictures };
  } finally {
    for (const [, unet] of networks) unet.dispose();
  }
}

/** The first images as they were, to which those of the models are added. */
async function picturesOf(images: tf.Tensor4D, start: number, chunkSize: number): Promise<DenoisedPictures> {
  const first = firstImages(images, chunkSize);
  const clean = (await first.data()) as Float32Array;
  first.dispose();
  return { start, shape: first.shape, clean, noisy: clean, denoised: {} };
}

/**
 * SSIM as the paper's code has it (scikit-image's defaults on colours in [0, 1]) and LPIPS, of the running image. What lies
 * outside [0, 1] is clipped for both, as in a picture; the paper's code measures it as it is.
 */
export function measuresOf(lpips: LPIPS | undefined): { ssim: Measure; lpips?: Measure } {
  const unit = (x: tf.Tensor4D): tf.Tensor4D => tf.clipByValue(tf.add(tf.mul(x, 0.5), 0.5), 0, 1);
  const measures: { ssim: Measure; lpips?: Measure } = {
    ssim: { better: 'higher', compute: (a, b) => ssim(unit(a), unit(b), { dataRange: 1 }) },
  };
  if (lpips !== undefined) {
    const rgb = (x: tf.Tensor4D): tf.Tensor4D => (x.shape[3] === 3 ? x : tf.tile(x, [1, 1, 1, 3]));
    const clipped = (x: tf.Tensor4D): tf.Tensor4D => tf.clipByValue(rgb(x), -1, 1);
    measures.lpips = { better: 'lower', compute: (a, b) => lpips.distance(clipped(a), clipped(b)) as tf.Tensor1D };
  }
  return measures;
}

/** Means over the chunks of a set of images. */
function joined(
  parts: readonly { count: number; result: DenoisingResult }[],
  start: number,
): Pick<MeasuredDenoising, 'best' | 'noisy' | 'course'> {
  const images = parts.reduce((sum, { count }) => sum + count, 0);
  const mean = (of: (result: DenoisingResult) => number) =>
    parts.reduce((sum, { count, result }) => sum + count * of(result), 0) / images;
  const best: MeasuredDenoising['best'] = {};
  const noisy: MeasuredDenoising['noisy'] = {};
  const course: MeasuredDenoising['course'] = {};
  for (const name of Object.keys(parts[0]!.result.best)) {
    // A chunk's seconds are those of all its images.
    const seconds = parts.reduce((sum, { result }) => sum + result.best[name]!.seconds, 0) / images;
    best[name] = { value: mean(({ best }) => best[name]!.value), step: mean(({ best }) => best[name]!.step), seconds };
    noisy[name] = mean(({ noisy }) => average(noisy[name]!));
    course[name] = Array.from({ length: start }, (_, i) => mean(({ steps }) => average(steps[i]!.values[name]!)));
  }
  return { best, noisy, course };
}

function average(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Table 2: the best SSIM and LPIPS that the reverse process passes. */
export function table2(results: readonly MeasuredDenoising[], setUp: string): ExperimentResult {
  const columns = [
    ...['noised to t', 'model'],
    ...['SSIM', 'LPIPS'].flatMap((measure) => [`${measure}, paper`, `${measure}, ours`, `${measure} of the noisy`]),
  ];
  return asResult('Table 2: the best of the reverse process', columns, setUp, results, ({ best, noisy }, paper) => [
    ...[paper?.ssim ?? null, best['ssim']!.value, noisy['ssim']!],
    ...[paper?.lpips ?? null, best['lpips']?.value ?? null, noisy['lpips'] ?? null],
  ]);
}

/** Table 3: reverse steps to the best, and the time of the network until then. */
export function table3(results: readonly MeasuredDenoising[], setUp: string): ExperimentResult {
  const columns = [
    ...['noised to t', 'model'],
    ...['steps to SSIM', 's to SSIM', 'steps to LPIPS', 's to LPIPS'].flatMap((taken) => [
      `${taken}, paper`,
      `${taken}, ours`,
    ]),
  ];
  return asResult('Table 3: steps and time to the best', columns, setUp, results, ({ best }, paper) => [
    ...[paper?.ssimSteps ?? null, best['ssim']!.step, paper?.ssimSeconds ?? null, best['ssim']!.seconds],
    ...[paper?.lpipsSteps ?? null, best['lpips']?.step ?? null],
    ...[paper?.lpipsSeconds ?? null, best['lpips']?.seconds ?? null],
  ]);
}

function asResult(
  title: string,
  columns: readonly string[],
  setUp: string,
  results: readonly MeasuredDenoising[],
  cells: (result: MeasuredDenoising, paper: PublishedDenoising | undefined) => Cell[],
): ExperimentResult {
  const table: Table = {
    caption: `${title}, mean of ${results[0]?.images ?? 0} images; seconds are per image. What differs: ${setUp}`,
    columns,
    rows: results.map((result) => [
      ...[result.start, result.model],
      ...cells(result, tables2and3[result.start]?.[result.model]),
    ]),
  };
  return { title, table, figures: [], data: results };
}

/** Figure 10 (SSIM) or 11 (LPIPS): the measure after each reverse step, its best marked. */
export function courseFigure(
  measure: 'ssim' | 'lpips',
  results: readonly MeasuredDenoising[],
  setUp: string,
): ExperimentResult {
  const [title, name] =
    measure === 'ssim'
      ? ['Figure 10: SSIM during the reverse process', 'SSIM']
      : ['Figure 11: LPIPS during the reverse process', 'LPIPS'];
  const known = results.filter(({ course }) => course[measure] !== undefined);
  const best = known.map(({ model, start, course }) => {
    const values = course[measure]!;
    const value = measure === 'ssim' ? Math.max(...values) : Math.min(...values);
    return { model, start, step: values.indexOf(value) + 1, value };
  });
  const table: Table = {
    caption: `${title}: the best of the mean over the images. What differs: ${setUp}`,
    columns: ['noised to t', 'model', 'best step', name],
    rows: best.map(({ model, start, step, value }) => [start, model, step, value]),
  };
  const points = known.flatMap(({ model, start, course }) =>
    course[measure]!.map((value, i) => ({ model, series: `${model} ${start}`, step: i + 1, value })),
  );
  const svg = figure({
    x: {
      label: 'reverse steps',
      type: 'log',
      ticks: ticksUpTo(Math.max(...points.map(({ step }) => step))),
      tickFormat: 'd',
    },
    y: { label: name, grid: true },
    color: { range: palette, domain: ['U-Net', 'cU-Net'] },
    marks: [
      Plot.line(points, { x: 'step', y: 'value', stroke: 'model', z: 'series' }),
      Plot.dot(best, { x: 'step', y: 'value', fill: 'model', r: 4 }),
      Plot.text(best, { x: 'step', y: 'value', text: 'start', dy: -9 }),
    ],
  });
  const caption = `${name} of the running image, mean over the images; blue: U-Net, orange: cU-Net; dots: the best, by noise level`;
  const figures: Figure[] = points.length === 0 ? [] : [{ kind: 'plot', svg, caption }];
  return { title, table, figures, data: results };
}

/** 1, 2, 5, 10 and so on: the ticks that Plot itself takes repeat themselves where there are few steps. */
function ticksUpTo(most: number): number[] {
  const powers = Array.from({ length: Math.floor(Math.log10(most)) + 1 }, (_, i) => 10 ** i);
  return powers.flatMap((power) => [power, 2 * power, 5 * power]).filter((tick) => tick <= most);
}
