import { invalidArgument, unknownName } from '@missing-u/errors';
import type { Dataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import type { Obtainable } from '../files/obtain.ts';
import { CIFAR10, CIFAR100 } from './cifar-files.ts';
import { cifar10, cifar100 } from './cifar.ts';
import { celeba } from './celeba.ts';
import { FASHION_MNIST, fashionMnist } from './fashion-mnist.ts';
import { imageFolder } from './image-folder.ts';
import { lsun } from './lsun.ts';
import { MNIST, mnist } from './mnist.ts';
import { emnist, emnistSet, KMNIST, kmnist, QMNIST, qmnist } from './more-mnists.ts';
import { shapes } from './synthetic.ts';

/** A data set by its name, for programs that are told it as text. */
export interface RegisteredSet {
  readonly title: string;
  /** Examples, shape, licence: what one wants to know before fetching it. */
  readonly about: string;
  readonly parts: readonly string[];
  /** What can be fetched, where it may be. */
  readonly obtainable?: Obtainable;
  /** Options of its own, besides `root`, `split` and `size`. */
  readonly options?: readonly (keyof OwnOptions)[];
  open(options: OpenOptions): Promise<Dataset>;
}

/** Options that only some data sets have, as text. */
interface OwnOptions {
  crop?: string;
  targetType?: readonly string[];
  variant?: string;
}

export interface OpenOptions extends OwnOptions {
  root?: string;
  split?: string;
  size?: number;
}

type Split<Open extends (options: never) => unknown> = NonNullable<Parameters<Open>[0]>;

const TRAIN_TEST = ['train', 'test'];

export const REGISTRY: Readonly<Record<string, RegisteredSet>> = {
  mnist: {
    title: 'MNIST',
    about: '60,000 + 10,000 digits, 28x28 grey, 10 classes; CC BY-SA 3.0; 11 MB',
    parts: TRAIN_TEST,
    obtainable: MNIST,
    open: (options) => mnist(options as Split<typeof mnist>),
  },
  'fashion-mnist': {
    title: 'Fashion-MNIST',
    about: '60,000 + 10,000 pictures of clothes, 28x28 grey, 10 classes; MIT; 30 MB',
    parts: TRAIN_TEST,
    obtainable: FASHION_MNIST,
    open: (options) => fashionMnist(options as Split<typeof fashionMnist>),
  },
  kmnist: {
    title: 'KMNIST',
    about: '60,000 + 10,000 hiragana, 28x28 grey, 10 classes; CC BY-SA 4.0; 21 MB',
    parts: TRAIN_TEST,
    obtainable: KMNIST,
    open: (options) => kmnist(options as Split<typeof kmnist>),
  },
  emnist: {
    title: 'EMNIST balanced',
    about: '112,800 + 18,800 letters and digits, 28x28 grey, 47 classes; public domain (NIST); 536 MB',
    parts: TRAIN_TEST,
    options: ['variant'],
    obtainable: emnistSet('balanced'),
    open: (options) => emnist(options as Split<typeof emnist>),
  },
  qmnist: {
    title: 'QMNIST',
    about: '60,000 + 60,000 digits, 28x28 grey, 10 classes; BSD-style; 21 MB',
    parts: TRAIN_TEST,
    obtainable: QMNIST,
    open: (options) => qmnist(options as Split<typeof qmnist>),
  },
  cifar10: {
    title: 'CIFAR-10',
    about: '50,000 + 10,000 pictures, 32x32 RGB, 10 classes; cite Krizhevsky 2009; 163 MB',
    parts: TRAIN_TEST,
    obtainable: CIFAR10,
    open: (options) => cifar10(options as Split<typeof cifar10>),
  },
  cifar100: {
    title: 'CIFAR-100',
    about: '50,000 + 10,000 pictures, 32x32 RGB, 100 classes; cite Krizhevsky 2009; 161 MB',
    parts: TRAIN_TEST,
    obtainable: CIFAR100,
    open: (options) => cifar100(options as Split<typeof cifar100>),
  },
  celeba: {
    title: 'CelebA',
    about: '202,599 faces, 178x218 RGB, 40 attributes; research only, from its authors (Google Drive); 1.4 GB',
    parts: ['train', 'valid', 'test', 'all'],
    options: ['crop', 'targetType'],
    open: (options) => celeba({ root: '.', ...options } as Split<typeof celeba>),
  },
  lsun: {
    title: 'LSUN',
    about: '126,227 churches and nine more scenes as LMDB; research only, from its authors; 2.3 GB (churches)',
    parts: ['a list of classes'],
    open: ({ root = '.', split, size }) =>
      lsun({
        root,
        ...(size !== undefined && { size }),
        ...(split !== undefined && { classes: split === 'train' || split === 'val' ? split : split.split(',') }),
      }),
  },
  folder: {
    title: 'A folder of pictures',
    about: 'your own: one folder per class, or pictures without classes',
    parts: [],
    open: ({ root = '.', size }) => imageFolder({ root, ...(size !== undefined && { size }) }),
  },
  shapes: {
    title: 'Shapes',
    about: 'discs, squares, triangles and rings, made up on the spot, 4 classes',
    parts: [],
    open: ({ size = 32 }) => Promise.resolve(shapes({ size })),
  },
};

/** @throws DatasetError `DATASETS_UNKNOWN_SET` */
export function registered(name: string): RegisteredSet {
  if (Object.hasOwn(REGISTRY, name)) return REGISTRY[name]!;
  throw new DatasetError('DATASETS_UNKNOWN_SET', unknownName('name', name, Object.keys(REGISTRY)));
}

/**
 * Opens a data set by its name.
 *
 * @throws DatasetError `DATASETS_UNKNOWN_SET`, `DATASETS_BAD_OPTION` for an option that this one does not have, and its own
 */
export function openRegistered(name: string, options: OpenOptions): Promise<Dataset> {
  const set = registered(name);
  const known: readonly string[] = ['root', 'split', 'size', ...(set.options ?? [])];
  const strange = Object.entries(options).find(([option, value]) => value !== undefined && !known.includes(option));
  if (strange === undefined) return set.open(options);
  const [argument, value] = strange;
  const remedy = `${set.title} has ${known.join(', ')}`;
  const message = invalidArgument({ argument, value, allowed: 'left out', remedy });
  return Promise.reject(new DatasetError('DATASETS_BAD_OPTION', message));
}
