import type { Dataset } from '../dataset.ts';
import { openIdxSet, rawFiles, type IdxOptions, type IdxSet } from './idx-set.ts';

export const FASHION_MNIST: IdxSet = {
  name: 'Fashion-MNIST',
  folder: 'FashionMNIST',
  classes: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
  files: {
    train: [
      {
        name: 'train-images-idx3-ubyte',
        bytes: 47_040_016,
        sha256: 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
      },
      {
        name: 'train-labels-idx1-ubyte',
        bytes: 60_008,
        sha256: 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
      },
    ],
    test: [
      {
        name: 't10k-images-idx3-ubyte',
        bytes: 7_840_016,
        sha256: '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
      },
      {
        name: 't10k-labels-idx1-ubyte',
        bytes: 10_008,
        sha256: '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
      },
    ],
  },
  // Debian's package dataset-fashion-mnist.
  places: () => ['/usr/share/datasets/fashion-mnist'],
  publications: rawFiles('FashionMNIST', ['http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/'], {
    'train-images-idx3-ubyte.gz': '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
    'train-labels-idx1-ubyte.gz': '25c81989df183df01b3e8a0aad5dffbe',
    't10k-images-idx3-ubyte.gz': 'bef4ecab320f06d8554ea6380940ec79',
    't10k-labels-idx1-ubyte.gz': 'bb300cfdad3c16e7a12a480ee83cd310',
  }),
};

/**
 * Fashion-MNIST: 60,000 and 10,000 pictures of clothes in MNIST's format (H. Xiao, K. Rasul, R. Vollgraf, 2017). Without
 * `root`, from Debian's package `dataset-fashion-mnist` where it is installed. Errors as {@link mnist}.
 */
export function fashionMnist(options: IdxOptions = {}): Promise<Dataset> {
  return openIdxSet(FASHION_MNIST, options);
}
