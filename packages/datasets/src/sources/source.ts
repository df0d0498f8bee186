import type { Example, Image, ImageShape } from '../image.ts';

import type { Recipe } from './encoded.ts';

/** What a source gives for a row: a picture and, where the source itself makes labels or pairs, those. */
export type Loaded = Omit<Example, 'index'>;

/**
 * Where examples come from: pictures and labels by row number. Data sets are views (an order, transforms) of a source.
 * A source is opened once, may be read by several iterations at a time, and is closed by the data set.
 */
export interface Source {
  readonly length: number;
  /** The shape of every picture; undefined where they differ or are not known before they are decoded. */
  readonly shape: ImageShape | undefined;
  /** The picture itself, where it lies in memory. Callers do not write to it. */
  peek?(row: number): Image;
  load(row: number, epoch: number): Promise<Loaded>;
  /** Writes the bytes of many pictures one after the other: the fast way, where pictures are bytes of one shape. */
  gather?(rows: Uint32Array, out: Uint8Array): void;
  /** How a worker can read the same pictures, where one can. */
  readonly recipe?: Recipe;
  /** What the file or entry of a row is called. */
  nameOf(row: number): string;
  close(): Promise<void>;
}

/** Labels of a source: none, one number a row, or several (`width`). */
export interface Labels {
  readonly data: Int32Array;
  /** Numbers per row. */
  readonly width: number;
  /** A name for each number of a row, if there are several. */
  readonly names?: readonly string[];
}
