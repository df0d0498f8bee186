import type { Obtainable } from '../files/obtain.ts';

/** What distinguishes CIFAR-10 and CIFAR-100. */
export interface CifarSet extends Obtainable {
  readonly classes: readonly string[];
  /** Bytes of label before each picture of the binary version. */
  readonly labelBytes: 1 | 2;
  readonly pickleFolder: string;
  readonly binaryFolder: string;
  readonly pickles: Readonly<Record<'train' | 'test', readonly [string, ...string[]]>>;
  readonly binaries: Readonly<Record<'train' | 'test', readonly [string, ...string[]]>>;
}

const HOST = 'https://www.cs.toronto.edu/~kriz/';

export const CIFAR10: CifarSet = {
  name: 'CIFAR-10',
  classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  labelBytes: 1,
  pickleFolder: 'cifar-10-batches-py/',
  binaryFolder: 'cifar-10-batches-bin/',
  pickles: {
    train: ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5'],
    test: ['test_batch'],
  },
  binaries: {
    train: ['data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin', 'data_batch_4.bin', 'data_batch_5.bin'],
    test: ['test_batch.bin'],
  },
  places: () => [],
  publications: [
    {
      urls: [`${HOST}cifar-10-python.tar.gz`],
      md5: 'c58f30108f718f92721af3b95e74349a',
      to: 'cifar-10-batches-py',
      unpack: 'cifar-10-batches-py',
    },
  ],
};

export const CIFAR100: CifarSet = {
  name: 'CIFAR-100',
  classes: (
    'apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle ' +
    'caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish ' +
    'forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle ' +
    'mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine ' +
    'possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar ' +
    'sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale ' +
    'willow_tree wolf woman worm'
  ).split(' '),
  labelBytes: 2,
  pickleFolder: 'cifar-100-python/',
  binaryFolder: 'cifar-100-binary/',
  pickles: { train: ['train'], test: ['test'] },
  binaries: { train: ['train.bin'], test: ['test.bin'] },
  places: () => [],
  publications: [
    {
      urls: [`${HOST}cifar-100-python.tar.gz`],
      md5: 'eb9058c3a382ffc7106e4002c42a8d85',
      to: 'cifar-100-python',
      unpack: 'cifar-100-python',
    },
  ],
};
