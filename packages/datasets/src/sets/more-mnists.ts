import { unknownName } from '@missing-u/errors';
import type { Dataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import { openIdxSet, rawFiles, type IdxOptions, type IdxSet } from './idx-set.ts';

export const KMNIST: IdxSet = {
  name: 'KMNIST',
  folder: 'KMNIST',
  classes: ['o', 'ki', 'su', 'tsu', 'na', 'ha', 'ma', 'ya', 're', 'wo'],
  files: {
    train: [{ name: 'train-images-idx3-ubyte' }, { name: 'train-labels-idx1-ubyte' }],
    test: [{ name: 't10k-images-idx3-ubyte' }, { name: 't10k-labels-idx1-ubyte' }],
  },
  places: () => [],
  publications: rawFiles('KMNIST', ['http://codh.rois.ac.jp/kmnist/dataset/kmnist/'], {
    'train-images-idx3-ubyte.gz': 'bdb82020997e1d708af4cf47b453dcf7',
    'train-labels-idx1-ubyte.gz': 'e144d726b3acfaa3e44228e80efcd344',
    't10k-images-idx3-ubyte.gz': '5c965bf0a639b31b8f53240b1b52f4d7',
    't10k-labels-idx1-ubyte.gz': '7320c461ea6c1c855c0b718fb2a4b134',
  }),
};

/** Kuzushiji-MNIST: ten cursive hiragana in MNIST's format (T. Clanuwat et al., 2018). Errors as {@link mnist}. */
export function kmnist(options: IdxOptions = {}): Promise<Dataset> {
  return openIdxSet(KMNIST, options);
}

export const QMNIST: IdxSet = {
  name: 'QMNIST',
  folder: 'QMNIST',
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  files: {
    train: [{ name: 'qmnist-train-images-idx3-ubyte' }, { name: 'qmnist-train-labels-idx2-int' }],
    test: [{ name: 'qmnist-test-images-idx3-ubyte' }, { name: 'qmnist-test-labels-idx2-int' }],
  },
  places: () => [],
  publications: rawFiles('QMNIST', ['https://raw.githubusercontent.com/facebookresearch/qmnist/master/'], {
    'qmnist-train-images-idx3-ubyte.gz': 'ed72d4157d28c017586c42bc6afe6370',
    'qmnist-train-labels-idx2-int.gz': '0058f8dd561b90ffdd0f734c6a30e5e4',
    'qmnist-test-images-idx3-ubyte.gz': '1394631089c404de565df7b7aeaf9412',
    'qmnist-test-labels-idx2-int.gz': '5b5b05890a5e13444e108efe57b788aa',
  }),
};

/** QMNIST: MNIST made again, with all 60,000 test digits (C. Yadav, L. Bottou, 2019). Errors as {@link mnist}. */
export function qmnist(options: IdxOptions = {}): Promise<Dataset> {
  return openIdxSet(QMNIST, options);
}

const digits = '0123456789';
const letters = 'abcdefghijklmnopqrstuvwxyz';
/** Letters whose two forms look alike and were merged. */
const merged = 'cijklmopsuvwxyz';
const unmerged = [...letters].filter((letter) => !merged.includes(letter)).join('');

/** Classes of each variant, by label. */
const VARIANTS = {
  byclass: digits + letters.toUpperCase() + letters,
  bymerge: digits + letters.toUpperCase() + unmerged,
  balanced: digits + letters.toUpperCase() + 'abdefghnqrt',
  letters: ` ${letters}`,
  digits,
  mnist: digits,
};

/** How to open EMNIST. */
export interface EmnistOptions extends IdxOptions {
  /** One of the six ways in which EMNIST is divided into classes; `balanced` if left out. */
  variant?: keyof typeof VARIANTS;
}

export function emnistSet(variant: keyof typeof VARIANTS): IdxSet {
  const files = (part: string) =>
    [
      { name: `emnist-${variant}-${part}-images-idx3-ubyte` },
      { name: `emnist-${variant}-${part}-labels-idx1-ubyte` },
    ] as const;
  return {
    name: `EMNIST ${variant}`,
    folder: 'EMNIST',
    classes: [...VARIANTS[variant]],
    files: { train: files('train'), test: files('test') },
    places: () => [],
    publications: [
      {
        urls: ['https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip'],
        md5: '58c8d27c78d21e728a6bc7b3cc06412e',
        to: 'EMNIST/raw/gzip',
        unpack: 'gzip',
      },
    ],
  };
}

/**
 * EMNIST: handwritten letters and digits in MNIST's format (G. Cohen et al., 2017). The pictures are as published, that is,
 * with rows and columns exchanged against MNIST. Errors as {@link mnist}.
 */
export function emnist(options: EmnistOptions = {}): Promise<Dataset> {
  const { variant = 'balanced', ...rest } = options;
  if (!Object.hasOwn(VARIANTS, variant)) {
    const message = unknownName('variant', variant, Object.keys(VARIANTS));
    return Promise.reject(new DatasetError('DATASETS_BAD_OPTION', message));
  }
  return openIdxSet(emnistSet(variant), rest);
}
