import type { Attributes } from '../trace/graph.ts';

/** What a window (a filter, or that of a pooling) does along one axis. */
export interface Window {
  size: number;
  stride: number;
  dilation: number;
  /** Zeros before and after. */
  before: number;
  after: number;
  /** Length of the result. */
  out: number;
}

/** Lengths along height and width, which never grow with the batch. */
export function sides({ shape }: { shape: readonly unknown[] }): [number, number] {
  return [shape[1] as number, shape[2] as number];
}

/** Images with their channels first would be taken for images of other sizes. */
export function checkChannelsLast({ dataFormat }: Attributes): void {
  if (dataFormat === 'NCHW' || dataFormat === 'channelsFirst') throw new Error('dataFormat NCHW');
}

/** Height and width of a pair that may be given as one number. */
export function pair(value: unknown): [number, number] {
  if (!Array.isArray(value)) return [value as number, value as number];
  const numbers = value as number[];
  // Some kernels are told [1, height, width, 1].
  return numbers.length === 4 ? [numbers[1]!, numbers[2]!] : [numbers[0]!, numbers[1]!];
}

/** The windows along height and width, by the rules of TensorFlow. */
export function windows(
  lengths: readonly number[],
  sizes: readonly number[],
  attributes: Attributes,
): [Window, Window] {
  const strides = pair(attributes['strides']);
  const dilations = pair(attributes['dilations'] ?? 1);
  const along = (axis: 0 | 1): Window => {
    const [length, stride, dilation] = [lengths[axis]!, strides[axis], dilations[axis]];
    const size = sizes[axis]!;
    const reach = (size - 1) * dilation + 1;
    const { before, after, out } = padding(attributes, axis, length, stride, reach);
    return { size, stride, dilation, before, after, out };
  };
  return [along(0), along(1)];
}

function padding({ pad, dimRoundingMode }: Attributes, axis: 0 | 1, length: number, stride: number, reach: number) {
  if (pad === 'same') {
    const out = Math.ceil(length / stride);
    const total = Math.max((out - 1) * stride + reach - length, 0);
    return { before: Math.floor(total / 2), after: total - Math.floor(total / 2), out };
  }
  if (pad === 'valid') return { before: 0, after: 0, out: Math.ceil((length - reach + 1) / stride) };
  const both = (Array.isArray(pad) ? pad[axis + 1] : [pad, pad]) as [number, number];
  const [before, after] = both;
  const steps = (length - reach + before + after) / stride;
  // Another rounding lets the last window stand outside, where ONNX has nothing for it to read.
  const round = dimRoundingMode === 'round' ? Math.round : dimRoundingMode === 'ceil' ? Math.ceil : Math.floor;
  if (round(steps) !== Math.floor(steps)) throw new Error(`dimRoundingMode '${String(dimRoundingMode)}'`);
  return { before, after, out: Math.floor(steps) + 1 };
}

/** ONNX lists what is before along all axes first. */
export function pads([height, width]: readonly [Window, Window]): number[] {
  return [height.before, width.before, height.after, width.after];
}
