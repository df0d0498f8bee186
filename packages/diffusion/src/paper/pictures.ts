import * as tf from '@tensorflow/tfjs-core';
import type { Measure } from '../evaluation/denoise-from.ts';
import type { Figure } from '../reports/page.ts';
import { gridPng } from '../reports/picture.ts';
import type { PaperModel } from './published.ts';

/** Images of each noise level that are shown. */
const SHOWN = 8;

/** The first images of a noise level, values in [-1, 1] before they are clipped for the eye. */
export interface DenoisedPictures {
  start: number;
  /** [images, height, width, channels] */
  shape: [number, number, number, number];
  clean: Float32Array;
  noisy: Float32Array;
  denoised: Partial<Record<PaperModel, Float32Array>>;
}

/** The first images of a tensor, which stays alive, or of its first chunk where they are computed in smaller ones. */
export function firstImages(images: tf.Tensor4D, chunkSize = SHOWN): tf.Tensor4D {
  return tf.slice(images, [0, 0, 0, 0], [Math.min(SHOWN, chunkSize, images.shape[0]), -1, -1, -1]);
}

/** Looks over the shoulder of a measure: keeps the first images of what it sees before the first step and after the last. */
export class Onlooker {
  readonly #kept: tf.Tensor4D[] = [];
  readonly #steps: number;

  constructor(steps: number) {
    this.#steps = steps;
  }

  beside({ better, compute }: Measure): Measure {
    let step = 0;
    const watched: Measure['compute'] = (images, clean) => {
      if (step === 0 || step === this.#steps) this.#kept.push(tf.keep(firstImages(images)));
      step++;
      return compute(images, clean);
    };
    return { better, compute: watched };
  }

  /** The noisy and the denoised images. */
  async pictures(): Promise<[noisy: Float32Array, denoised: Float32Array]> {
    const values = await Promise.all(this.#kept.map((images) => images.data()));
    return values as [Float32Array, Float32Array];
  }

  dispose(): void {
    tf.dispose(this.#kept);
  }
}

/** The paper's Figures 4, 5 and 7 to 9, of these images: a picture for each noise level. */
export function denoisedFigures(all: readonly DenoisedPictures[]): Promise<Figure[]> {
  return Promise.all(
    all.map(async ({ start, shape, clean, noisy, denoised }): Promise<Figure> => {
      const rows = { original: clean, noisy, ...denoised };
      const values = Object.values(rows).flatMap((row) => Array.from(row, toUnit));
      const [count, ...imageShape] = shape;
      const images = { data: values, shape: [count * Object.keys(rows).length, ...imageShape] };
      const caption = `Noised to t = ${start}, a row each: ${Object.keys(rows).join(', ')} after ${start} reverse steps`;
      return { kind: 'picture', png: await gridPng(images, count), caption, name: `t${start}` };
    }),
  );
}

const toUnit = (value: number) => Math.min(1, Math.max(0, value / 2 + 0.5));
