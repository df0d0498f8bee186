import * as tf from '@tensorflow/tfjs-core';
import { MetricError } from '../errors.ts';
import { meanSquaredError, peakSignalNoiseRatio } from '../images/errors-of-pixels.ts';
import { multiscaleStructuralSimilarity } from '../images/multiscale-structural-similarity.ts';
import { structuralSimilarity } from '../images/structural-similarity.ts';
import type { LPIPS } from '../lpips/lpips.ts';
import { readImage, type ByteImage } from './image-folder.ts';

/** How alike two pictures are. */
export interface ImageComparison {
  readonly mse: number;
  /** In decibels; Infinity for equal pictures. */
  readonly psnr: number;
  /** With scikit-image's defaults; absent, as the next two, for pictures smaller than the window: 7 pixels a side here. */
  readonly ssim?: number;
  /** With Wang's Gaussian window of 11 pixels. */
  readonly ssim_wang?: number;
  /** Five scales, which take 161 pixels a side. */
  readonly ms_ssim?: number;
  /** Where an LPIPS network was given. */
  readonly lpips?: number;
}

/** Compares two picture files of one size, bytes as bytes. @throws MetricError `METRIC_SHAPE_MISMATCH`, `METRIC_BAD_IMAGE` */
export async function compareImages(
  fileA: string,
  fileB: string,
  { lpips }: { lpips?: LPIPS } = {},
): Promise<ImageComparison> {
  const [a, b] = (await Promise.all([fileA, fileB].map(readImage))) as [ByteImage, ByteImage];
  const range = { dataRange: 255 };
  return {
    mse: meanSquaredError(a, b),
    psnr: peakSignalNoiseRatio(a, b, range),
    ...whereItFits('ssim', () => structuralSimilarity(a, b, range)),
    ...whereItFits('ssim_wang', () => structuralSimilarity(a, b, { ...range, defaults: 'wang' })),
    ...whereItFits('ms_ssim', () => multiscaleStructuralSimilarity(a, b, range)),
    ...(lpips === undefined ? {} : { lpips: await lpipsOf(lpips, a, b) }),
  };
}

function whereItFits(key: string, score: () => number): Record<string, number> {
  try {
    return { [key]: score() };
  } catch (error) {
    if (error instanceof MetricError && error.code === 'METRIC_TOO_SMALL') return {};
    throw error;
  }
}

async function lpipsOf(lpips: LPIPS, ...pair: [ByteImage, ByteImage]): Promise<number> {
  const distance = tf.tidy(() => {
    const [a, b] = pair.map(({ data, height, width }) =>
      tf.sub(tf.div(tf.tensor4d(data, [1, height, width, 3]), 127.5), 1),
    );
    return lpips.distance(a as tf.Tensor4D, b as tf.Tensor4D);
  });
  try {
    return (await distance.data())[0]!;
  } finally {
    distance.dispose();
  }
}
