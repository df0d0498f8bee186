import { emptyLike } from '../image.ts';
import { PRECISION, type Coefficients } from './coefficients.ts';
import { kernelBinary } from './kernel-binary.ts';

type Numbers = Uint8Array | Float32Array;

/** How a picture is resampled: the columns of coefficients along a row, the rows of coefficients down a column. */
export interface Resampling {
  readonly data: Numbers;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Along a row: as many pixels come out as there are coefficients. */
  readonly across: Coefficients;
  /** Down a column. */
  readonly down: Coefficients;
  /** Whether the columns come first. */
  readonly downFirst: boolean;
}

/**
 * The order of the two passes in Pillow from version 13 on, found by its output: down the columns first where the height
 * shrinks, and by more than twice as many pixels as the width.
 */
export function goesDownFirst(height: number, width: number, tall: number, wide: number): boolean {
  return tall < height && height - tall > 2 * (width - wide);
}

/** The resampled numbers, with bytes between the passes where bytes came in, as in Pillow. */
export function resample(work: Resampling): Numbers {
  const { data, channels } = work;
  if (data instanceof Uint8Array && (channels === 3 || channels === 4)) {
    kernel ??= startKernel();
    if (kernel !== 'none') return kernel.run(work, data);
  }
  return resamplePlainly(work);
}

/** In JavaScript: floats, other numbers of channels, and a WebAssembly that may not run. The same numbers, more slowly. */
export function resamplePlainly({ data, height, width, channels, across, down, downFirst }: Resampling): Numbers {
  const [wide, tall] = [across.first.length, down.first.length];
  const out = emptyLike(data, tall * wide * channels);
  if (downFirst) {
    const between = emptyLike(data, tall * width * channels);
    pass(data, between, 1, height * width * channels, width * channels, down);
    pass(between, out, tall, width * channels, channels, across);
  } else {
    const between = emptyLike(data, height * wide * channels);
    pass(data, between, height, width * channels, channels, across);
    pass(between, out, 1, height * wide * channels, wide * channels, down);
  }
  return out;
}

const HALF = 1 << (PRECISION - 1);

function clip(sum: number): number {
  const value = sum >> PRECISION;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** Any layout: `blocks` blocks of `size` numbers, neighbours along the axis `step` apart. */
function pass(
  data: Numbers,
  out: Numbers,
  blocks: number,
  size: number,
  step: number,
  { first, count, stride, weights, fixed }: Coefficients,
): void {
  const bytes = data instanceof Uint8Array;
  let o = 0;
  for (let start = 0; start < blocks * size; start += size) {
    for (let x = 0; x < first.length; x++) {
      for (let c = 0; c < step; c++) {
        let sum = bytes ? HALF : 0;
        for (let k = 0; k < count[x]!; k++) {
          const value = data[start + (first[x]! + k) * step + c]!;
          sum += value * (bytes ? fixed[x * stride + k]! : weights[x * stride + k]!);
        }
        out[o++] = bytes ? clip(sum) : sum;
      }
    }
  }
}

/** What `assembly/index.ts` exports. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly HEAP: WebAssembly.Global<'i32'>;
  rows(
    ...args: [
      ...[from: number, to: number, height: number, width: number, channels: number],
      ...[n: number, first: number, count: number, stride: number, weights: number],
    ]
  ): void;
  columns(
    ...args: [
      ...[from: number, to: number, row: number],
      ...[n: number, first: number, count: number, stride: number, weights: number],
    ]
  ): void;
}

const PAGE = 65_536;
/** The kernel reads and writes whole vectors. */
const SPARE = 16;

/** One per thread, made when a picture needs it. */
let kernel: Kernel | 'none' | undefined;

function startKernel(): Kernel | 'none' {
  try {
    const bytes = Uint8Array.from(atob(kernelBinary), (letter) => letter.charCodeAt(0));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    return new Kernel(exports as unknown as Exports);
  } catch {
    // A browser without SIMD, or a page whose security policy forbids WebAssembly.
    return 'none';
  }
}

/** Both passes over bytes in WebAssembly: the input, what is between, the output and the coefficients lie one after the other. */
class Kernel {
  readonly #exports: Exports;

  constructor(exports: Exports) {
    this.#exports = exports;
  }

  run({ height, width, channels, across, down, downFirst }: Resampling, data: Uint8Array): Uint8Array {
    const { memory, rows, columns } = this.#exports;
    const [wide, tall] = [across.first.length, down.first.length];
    const size = tall * wide * channels;
    let end = this.#exports.HEAP.value;
    const place = (bytes: number) => {
      const start = (end + SPARE - 1) & -SPARE;
      end = start + bytes + SPARE;
      return start;
    };
    const input = place(data.length);
    const between = place((downFirst ? tall * width : height * wide) * channels);
    const output = place(size);
    const tables = [across, down].map(({ first, count, stride, fixed }) => ({
      parts: [first, count, fixed].map((values) => ({ values, at: place(values.byteLength) })),
      n: first.length,
      stride,
    }));
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    new Uint8Array(memory.buffer, input, data.length).set(data);
    for (const { parts } of tables) {
      for (const { values, at } of parts) new Int32Array(memory.buffer, at, values.length).set(values);
    }
    const [alongRows, downColumns] = tables.map(
      ({ parts: [first, count, fixed], n, stride }) => [n, first!.at, count!.at, stride, fixed!.at] as const,
    );
    if (downFirst) {
      columns(input, between, width * channels, ...downColumns!);
      rows(between, output, tall, width, channels, ...alongRows!);
    } else {
      rows(input, between, height, width, channels, ...alongRows!);
      columns(between, output, wide * channels, ...downColumns!);
    }
    return new Uint8Array(memory.buffer, output, size).slice();
  }
}
