/** Height, width and channels of an image. */
export type ImageShape = readonly [height: number, width: number, channels: number];

/** One picture, row by row, channels last. Bytes are 0 .. 255; floats are what a transform made of them. */
export interface Image {
  readonly data: Uint8Array | Float32Array;
  readonly shape: ImageShape;
}

/** One example: a picture, what is known about it, and its position, so that `dataset.get(index)` gives it again. */
export interface Example {
  readonly image: Image;
  /** A class number, or several numbers, which `labelNames` of the data set names where they are those of its source. */
  readonly label?: number | Int32Array;
  readonly index: number;
  /** The example of the other data set, after `zip`. */
  readonly paired?: Example;
}

/** As many numbers of the same kind: bytes or floats. */
export function emptyLike<T extends Image['data']>(data: T, length: number): T {
  // Not by `data.constructor`, which is deprecated for Node's Buffer.
  return (data instanceof Float32Array ? new Float32Array(length) : new Uint8Array(length)) as T;
}

/** Numbers in an image of this shape. */
export function sizeOf([height, width, channels]: ImageShape): number {
  return height * width * channels;
}
