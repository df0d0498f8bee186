import type { Driver } from '../driver.ts';
import type { WasmModule } from '../wasm/threads.ts';
import type { Card, NoCard } from '../webgpu/adapter.ts';

/** What only Node can do. Where there is no Node, there is no host. */
export interface Host {
  /** An environment variable, undefined where it is not set or empty. */
  variable(name: string): string | undefined;
  /** Says something to the person at the screen, apart from the program's own output. */
  log(line: string): void;
  /** The processor's name. */
  processor: string;
  /** Physical cores that this process may use. */
  cores: number;
  /** Instantiates the threaded build of the wasm backend; the number of threads counts the calling one. */
  instantiateThreadedWasm(threads: number): Promise<WasmModule>;
  /** The card that the package `webgpu` offers, looked for without loading it into this process. */
  findWebGpuCard(): Promise<Card | NoCard>;
  /** Puts `navigator.gpu` in its place, by the package `webgpu`. */
  provideWebGpu(): Promise<void>;
  native: Driver;
}
