import type { PortInfo } from '../model/read.ts';
import type { Images } from './images.ts';

/** Numbers for a further input of a model, channels last where they are images. */
export interface Condition extends Images {
  readonly port: PortInfo;
}

/** What a model is called with. */
export interface Request {
  readonly images: Images;
  /** One for all images, or one per image. */
  readonly times: readonly number[];
  readonly conditions: readonly Condition[];
}

/**
 * A request as several of `count` images each, for a model that takes no other number. The last one is filled up with its last
 * image. Conditions of another length are for all images alike.
 */
export function* inParts({ images, times, conditions }: Request, count: number): Generator<Request> {
  const all = images.shape[0]!;
  for (let first = 0; first < all; first += count) {
    const rows = Array.from({ length: count }, (_, i) => Math.min(first + i, all - 1));
    yield {
      images: taken(images, rows),
      times: times.length === all ? rows.map((row) => times[row]!) : times,
      conditions: conditions.map((condition) => {
        const perImage = condition.port.dims[0] === count && condition.shape[0] === all;
        return perImage ? { ...condition, ...taken(condition, rows) } : condition;
      }),
    };
  }
}

function taken({ data, shape: [all, ...rest] }: Images, rows: readonly number[]): Images {
  const size = data.length / all!;
  const part = new Float32Array(rows.length * size);
  rows.forEach((row, i) => part.set(data.subarray(row * size, (row + 1) * size), i * size));
  return { data: part, shape: [rows.length, ...rest] };
}

/** The answers to the parts of a request of so many images, without what filled up the last one. */
export function joined(parts: readonly Images[], images: number): { data: Float32Array<ArrayBuffer>; shape: number[] } {
  const [count, ...rest] = parts[0]!.shape;
  const size = parts[0]!.data.length;
  const data = new Float32Array((images * size) / count!);
  parts.forEach((part, i) => data.set(part.data.subarray(0, data.length - i * size), i * size));
  return { data, shape: [images, ...rest] };
}
