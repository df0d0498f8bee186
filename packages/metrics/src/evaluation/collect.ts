import * as tf from '@tensorflow/tfjs-core';
import type { FeatureList } from '../distributions/feature-list.ts';
import type { FeatureStatistics } from '../distributions/feature-statistics.ts';
import { refuse } from '../errors.ts';
import { readFolder, type FolderOptions } from './image-folder.ts';
import type { EvaluationNetwork, NetworkOutputs } from './networks.ts';

/** What is kept of a folder's pictures: moments take the same memory for any number of them, lists grow. */
export interface Kept {
  readonly moments?: FeatureStatistics;
  readonly spatialMoments?: FeatureStatistics;
  readonly features?: FeatureList;
  readonly logits?: FeatureList;
}

const outputOf = {
  moments: 'features',
  spatialMoments: 'spatial',
  features: 'features',
  logits: 'logits',
} as const satisfies Record<keyof Kept, keyof NetworkOutputs>;

/** Passes all pictures of a folder through the network, batch by batch, into what is to be kept. */
export async function collect(
  folder: string,
  network: EvaluationNetwork,
  kept: Kept,
  options: FolderOptions,
): Promise<Kept> {
  for await (const { data, files, height, width } of readFolder(folder, options)) {
    const found = tf.tidy(() => network.run(tf.tensor4d(data, [files.length, height, width, 3], 'int32')));
    try {
      for (const [name, store] of Object.entries(kept) as [keyof Kept, FeatureList | FeatureStatistics][]) {
        const tensor = found[outputOf[name]];
        if (tensor === undefined)
          refuse({ argument: 'metrics', value: 'sfid', allowed: 'sfid only of a network with spatial features' });
        const [rows, columns] = tensor.shape;
        store.update({ data: Float64Array.from(await tensor.data()), rows, columns });
      }
    } finally {
      tf.dispose(found);
    }
  }
  return kept;
}
