import { invalidArgument, unknownName } from '@missing-u/errors';
import { createGenerator, type Generator } from '@missing-u/random';
import { Dataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import type { Image, ImageShape } from '../image.ts';
import { counting } from '../pipeline/order.ts';
import type { Source } from '../sources/source.ts';
import { View } from '../view.ts';

/** How to make up pictures of shapes. */
export interface ShapesOptions {
  /** Pictures; 1000 if left out. */
  length?: number;
  /** Height and width; 32 if left out. */
  size?: number;
  /** 3 (coloured, the default) or 1 (grey). */
  channels?: 1 | 3;
  seed?: number;
}

const SHAPES: Readonly<Record<string, (x: number, y: number) => boolean>> = {
  disc: (x, y) => x * x + y * y < 1,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.9,
  triangle: (x, y) => y < 0.8 && y > 2 * Math.abs(x) - 1,
  ring: (x, y) => x * x + y * y < 1 && x * x + y * y > 0.36,
};

/**
 * Pictures of a disc, a square, a triangle or a ring, of any colour, size and place: a data set for tests and documents that
 * needs no file. Pictures are made when they are asked for, each from the seed and its position alone.
 *
 * @throws DatasetError `DATASETS_BAD_OPTION`
 */
export function shapes(options: ShapesOptions = {}): Dataset {
  const { length = 1000, size = 32, channels = 3, seed = 0 } = options;
  check('length', length, 0);
  check('size', size, 1);
  if (channels !== 1 && channels !== 3) {
    throw new DatasetError('DATASETS_BAD_OPTION', unknownName('channels', channels, ['1', '3']));
  }
  const classes = Object.keys(SHAPES);
  const shape: ImageShape = [size, size, channels];
  const generator = createGenerator(seed);
  const peek = (row: number): Image => ({ data: draw(generator.fork(row), row % classes.length, shape), shape });
  const labels = { data: Int32Array.from(counting(length), (row) => row % classes.length), width: 1 };
  const source: Source = {
    length,
    shape,
    peek,
    load: (row) => Promise.resolve({ image: peek(row) }),
    nameOf: (row) => `shape ${row}`,
    close: () => Promise.resolve(),
  };
  return new Dataset(new View({ source, labels }), { name: 'shapes', classes, sourceShape: shape });
}

function draw(generator: Generator, which: number, [size, , channels]: ImageShape): Uint8Array {
  const inside = Object.values(SHAPES)[which]!;
  const radius = size * (0.2 + 0.2 * generator.uniform());
  const centre = () => radius + (size - 2 * radius) * generator.uniform();
  const [cx, cy] = [centre(), centre()];
  const colour = Array.from({ length: channels }, () => 96 + generator.integer(160));
  const out = new Uint8Array(size * size * channels);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (inside((x + 0.5 - cx) / radius, (y + 0.5 - cy) / radius)) out.set(colour, (y * size + x) * channels);
    }
  }
  return out;
}

/** Mixtures of points in the plane, by name. */
export const MIXTURES: Readonly<
  Record<string, { classes: number; at(generator: Generator, label: number): [number, number] }>
> = {
  /** Eight Gaussians on a circle of radius 2, standard deviation 0.1. */
  gaussians: {
    classes: 8,
    at(generator, label) {
      const angle = (label * Math.PI) / 4;
      return [2 * Math.cos(angle) + 0.1 * generator.normal(), 2 * Math.sin(angle) + 0.1 * generator.normal()];
    },
  },
  /** Two half circles that reach into each other (as scikit-learn's `make_moons`), noise 0.05. */
  moons: {
    classes: 2,
    at(generator, label) {
      const angle = Math.PI * generator.uniform();
      const [x, y] = label === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
      return [x + 0.05 * generator.normal(), y + 0.05 * generator.normal()];
    },
  },
  /** Two arms of a spiral around the origin, noise 0.05. */
  spirals: {
    classes: 2,
    at(generator, label) {
      const angle = 3 * Math.PI * Math.sqrt(generator.uniform());
      const sign = label === 0 ? 1 : -1;
      const radius = (sign * angle) / (1.5 * Math.PI);
      return [
        radius * Math.cos(angle) + 0.05 * generator.normal(),
        radius * Math.sin(angle) + 0.05 * generator.normal(),
      ];
    },
  },
};

/** How to make up points. */
export interface PointsOptions {
  kind?: keyof typeof MIXTURES;
  length?: number;
  seed?: number;
}

/**
 * Points of a mixture in the plane, as pictures of shape [1, 1, 2] in floats: toy data on which a diffusion model can be
 * watched. Batches are [n, 1, 1, 2], and the points are not scaled.
 *
 * @throws DatasetError `DATASETS_BAD_OPTION`
 */
export function points(options: PointsOptions = {}): Dataset {
  const { kind = 'gaussians', length = 1000, seed = 0 } = options;
  const mixture = Object.hasOwn(MIXTURES, kind) ? MIXTURES[kind] : undefined;
  if (mixture === undefined) {
    throw new DatasetError('DATASETS_BAD_OPTION', unknownName('kind', kind, Object.keys(MIXTURES)));
  }
  check('length', length, 0);
  const generator = createGenerator(seed);
  const label = (row: number) => row % mixture.classes;
  const shape: ImageShape = [1, 1, 2];
  const peek = (row: number): Image => ({
    data: Float32Array.from(mixture.at(generator.fork(row), label(row))),
    shape,
  });
  const source: Source = {
    length,
    shape,
    peek,
    load: (row) => Promise.resolve({ image: peek(row) }),
    nameOf: (row) => `point ${row}`,
    close: () => Promise.resolve(),
  };
  const labels = { data: Int32Array.from(counting(length), label), width: 1 };
  return new Dataset(new View({ source, labels }), { name: kind, sourceShape: shape });
}

function check(argument: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  const allowed = `an integer of ${least} or more`;
  throw new DatasetError('DATASETS_BAD_OPTION', invalidArgument({ argument, value, allowed }));
}
