/** What is used of onnxruntime: `onnxruntime-node`, `onnxruntime-web` or one of its variants fits. */
export interface OnnxRuntime {
  readonly Tensor: new (type: never, data: never, dims: readonly number[]) => OnnxTensor;
  readonly InferenceSession: {
    create(model: never, options: never): Promise<OnnxSession>;
  };
  /** Of `onnxruntime-web`; they hold from its first model on. */
  readonly env?: { wasm?: { numThreads?: number | undefined; wasmPaths?: WasmPaths | undefined } };
  listSupportedBackends?(): readonly { name: string }[];
}

/** Where a page has the files of `onnxruntime-web`: the address of their folder, with a slash at its end, or of each file. */
export type WasmPaths = string | { mjs?: string | URL; wasm?: string | URL };

export interface OnnxTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
  getData?(): Promise<unknown>;
  dispose?(): void;
}

export interface OnnxSession {
  run(inputs: never): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}

/** The runtime of this platform. */
export interface Platform {
  /** Of the package, for messages. */
  readonly name: string;
  readonly load: (providers: readonly string[]) => Promise<OnnxRuntime>;
  /** What runs a model where nothing is asked for. */
  readonly defaultProvider: string;
  /** Providers that it may have. */
  readonly providers: readonly string[];
  /** Reads a local file, where there are files. */
  readonly readFile?: (path: string | URL) => Promise<Uint8Array>;
  /** Writes local files, each of which appears when it is whole. */
  readonly writeFiles?: (files: readonly { path: string; parts: readonly Uint8Array[] }[]) => Promise<void>;
}
