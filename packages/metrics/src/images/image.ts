import { MetricError, refuse } from '../errors.ts';

/**
 * One picture: rows from the top, channels interleaved, as in a browser's `ImageData` and sharp's raw output. Any numbers
 * do (`Uint8ClampedArray`, `Float32Array`, plain arrays); the functions say with `dataRange` what they mean.
 */
export interface Image {
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** What every comparison of two pictures has to know about their numbers. */
export interface RangeOptions {
  /**
   * Distance from the smallest to the largest value that the pictures could have: 255 for bytes, 1 for [0, 1], 2 for
   * [-1, 1]. Required, because a wrong guess changes the result and is seen by nobody.
   */
  readonly dataRange: number;
  /**
   * Whether values outside the range are an error (default true): the range is [0, dataRange], or
   * [-dataRange / 2, dataRange / 2] for pictures with negative values. False for estimates that overshoot on purpose.
   */
  readonly checkRange?: boolean;
}

/** Refuses two pictures that cannot be compared: shapes, sizes, NaN. */
export function checkPair(a: Image, b: Image): void {
  checkImage('a', a);
  checkImage('b', b);
  if (a.width !== b.width || a.height !== b.height || a.channels !== b.channels) {
    throw new MetricError(
      'METRIC_SHAPE_MISMATCH',
      `\`a\` is ${describe(a)} and \`b\` is ${describe(b)}; pictures are compared pixel by pixel, so resize one of them first.`,
    );
  }
}

/** Refuses values outside the range that the caller named; see {@link RangeOptions}. */
export function checkRange(images: Record<string, Image>, options: RangeOptions): void {
  const { dataRange, checkRange: check = true } = options ?? {};
  checkDataRange(dataRange);
  if (!check) return;
  for (const [name, { data }] of Object.entries(images)) {
    const [low, high] = extremes(data);
    checkExtremes(name, low, high, dataRange);
  }
}

/** `dataRange` itself: a finite number above 0. */
export function checkDataRange(dataRange: unknown): void {
  if (typeof dataRange === 'number' && Number.isFinite(dataRange) && dataRange > 0) return;
  const remedy = 'use 255 for bytes, 1 for values in [0, 1], 2 for values in [-1, 1]';
  refuse({ argument: 'dataRange', value: dataRange, allowed: 'a finite number above 0', remedy });
}

/** The rule of {@link RangeOptions.checkRange}, for the smallest and the largest value of a picture or batch. */
export function checkExtremes(name: string, low: number, high: number, dataRange: number): void {
  const slack = 1e-6 * dataRange;
  const [bottom, top] = low < -slack ? [-dataRange / 2, dataRange / 2] : [0, dataRange];
  if (low >= bottom - slack && high <= top + slack) return;
  throw new MetricError(
    'METRIC_OUT_OF_RANGE',
    `\`${name}\` has values from ${low} to ${high}, but \`dataRange\` ${dataRange} says that they lie in ` +
      `[${bottom}, ${top}]; scale or clip the picture, name its true range, or pass \`checkRange: false\`.`,
  );
}

function checkImage(name: string, image: Image): void {
  const { data, width, height, channels } = image ?? {};
  for (const [key, value] of Object.entries({ width, height, channels })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      refuse({ argument: `${name}.${key}`, value, allowed: 'an integer of 1 or more' }, 'METRIC_BAD_IMAGE');
    }
  }
  if (data?.length !== width * height * channels) {
    throw new MetricError(
      'METRIC_BAD_IMAGE',
      `\`${name}.data\` has ${data?.length} numbers, but ${describe(image)} has ${width * height * channels}.`,
    );
  }
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    const [column, row] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    throw new MetricError(
      'METRIC_NOT_FINITE',
      `\`${name}.data\` has ${data[i]} at row ${row}, column ${column}, channel ${i % channels}; no score of it would mean anything.`,
    );
  }
}

function describe({ width, height, channels }: Image): string {
  return `${width} x ${height} with ${channels} channel${channels === 1 ? '' : 's'}`;
}

function extremes(data: ArrayLike<number>): [low: number, high: number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < data.length; i++) {
    if (data[i]! < low) low = data[i]!;
    if (data[i]! > high) high = data[i]!;
  }
  return [low, high];
}
