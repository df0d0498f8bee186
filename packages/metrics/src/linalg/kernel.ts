import { MetricError } from '../errors.ts';
import { kernelBinary } from './kernel-binary.ts';

/** Byte offset in the memory of a kernel. */
export type Pointer = number;

/** What `assembly/index.ts` exports; matrices are pointers with strides in numbers, row-major, float64. */
export interface KernelExports {
  readonly memory: WebAssembly.Memory;
  readonly HEAP: WebAssembly.Global<'i32'>;
  /** C[m, n] += alpha A[m, k] B[k, n]; with `lower`, tiles above the diagonal are left out. */
  gemm(
    ...args: [
      ...[m: number, n: number, k: number, alpha: number],
      ...[a: Pointer, aRow: number, aColumn: number],
      ...[b: Pointer, bRow: number, bColumn: number],
      ...[c: Pointer, cRow: number, lower: number],
    ]
  ): void;
  choleskyPivoted(n: number, a: Pointer, pivots: Pointer, work: Pointer): number;
  eigenvalues(n: number, a: Pointer, lda: number, d: Pointer, e: Pointer, panels: Pointer): number;
  traceSqrtProduct(n: number, s1: Pointer, s2: Pointer, work: Pointer): number;
}

/** A piece of a kernel's memory. */
export interface Block {
  readonly pointer: Pointer;
  readonly data: Float64Array;
}

/** A kernel with its own memory, laid out once, so that views stay valid; it goes with its last reference. */
export interface Kernel<Name extends string> {
  readonly exports: KernelExports;
  readonly blocks: Readonly<Record<Name, Block>>;
}

const pageBytes = 65_536;
let compiled: WebAssembly.Module | undefined;

/** The assembled module; compiled once. */
export function kernelModule(): WebAssembly.Module {
  compiled ??= compile();
  return compiled;
}

/** A new kernel with a block of the given number of float64s under each name. */
export function createKernel<Name extends string>(sizes: Readonly<Record<Name, number>>): Kernel<Name> {
  const exports = new WebAssembly.Instance(kernelModule()).exports as unknown as KernelExports;
  const { memory } = exports;
  const start = exports.HEAP.value;
  const numbers = Object.values<number>(sizes).reduce((sum, size) => sum + size, 0);
  try {
    memory.grow(Math.ceil((start + 8 * numbers) / pageBytes) - memory.buffer.byteLength / pageBytes);
  } catch (cause) {
    const gigabytes = ((8 * numbers) / 2 ** 30).toFixed(1);
    throw new MetricError('METRIC_OUT_OF_MEMORY', `${gigabytes} GiB for float64 matrices were not to be had.`, {
      cause,
    });
  }
  const blocks = {} as Record<Name, Block>;
  let pointer = start;
  for (const name of Object.keys(sizes) as Name[]) {
    blocks[name] = { pointer, data: new Float64Array(memory.buffer, pointer, sizes[name]) };
    pointer += 8 * sizes[name];
  }
  return { exports, blocks };
}

function compile(): WebAssembly.Module {
  const bytes = Uint8Array.from(atob(kernelBinary), (character) => character.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) {
    throw new MetricError(
      'METRIC_NO_SIMD',
      'This JavaScript engine has no WebAssembly SIMD, which the float64 kernels need.',
    );
  }
  return new WebAssembly.Module(bytes);
}
