import type { Tensor3D } from '@tensorflow/tfjs-core';
import type * as tfData from '@tensorflow/tfjs-data';
import type { Dataset } from './dataset.ts';
import { DatasetError } from './errors.ts';
import type { Range } from './pipeline/convert.ts';
import { loadTf } from './pipeline/finish.ts';

/** An element of a `tf.data.Dataset`: what `model.fitDataset` takes once it is batched. */
export type TfElement = {
  /** [height, width, channels], float32. */
  xs: Tensor3D;
  /** The class number, or -1 where there is none. */
  ys: number;
};

/** How to hand examples to `tf.data`. */
export interface TfDatasetOptions {
  /** What the bytes 0 and 255 become; [-1, 1] if left out. */
  range?: Range;
}

/** Examples loaded at a time. */
const CHUNK = 32;

export async function toTfDataset(dataset: Dataset, options: TfDatasetOptions): Promise<tfData.Dataset<TfElement>> {
  const tf = await loadTf();
  const { generator } = await loadTfData();
  return generator<TfElement>(async function* () {
    for await (const { images, labels, shape } of dataset.batches({ ...options, batchSize: CHUNK, as: 'array' })) {
      const [count, height, width, channels] = shape;
      const size = height * width * channels;
      const single = labels?.length === count;
      for (let i = 0; i < count; i++) {
        const xs = tf.tensor3d(images.slice(i * size, (i + 1) * size), [height, width, channels]);
        yield { xs, ys: single ? labels[i]! : -1 };
      }
    }
  } as () => AsyncIterator<TfElement>);
}

async function loadTfData(): Promise<typeof tfData> {
  try {
    return await import('@tensorflow/tfjs-data');
  } catch (cause) {
    throw new DatasetError(
      'DATASETS_NEEDS_TFJS',
      "toTfDataset needs '@tensorflow/tfjs-data', which is not installed: npm install @tensorflow/tfjs-data.",
      { cause },
    );
  }
}
