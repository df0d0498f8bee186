import type { ImageShape } from './image.ts';

/** What is known about a data set besides its examples. */
export interface DatasetInfo {
  /** For people: `MNIST, training part`. */
  readonly name: string;
  /** Names of the classes; `label` is an index into it. */
  readonly classes?: readonly string[];
  /** Where it was read from. */
  readonly location?: string;
  /**
   * Whether every byte was compared with the published data set by its hash and is the same; false for other data in its
   * format, absent where bytes were not compared.
   */
  readonly verified?: boolean;
  /** Shape of the pictures as they lie in the source, where all are alike. */
  readonly sourceShape?: ImageShape;
}
