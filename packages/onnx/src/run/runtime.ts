/** What is used of onnxruntime: `onnxruntime-node`, `onnxruntime-web` or one of its variants fits. */
export interface OnnxRuntime {
  readonly Tensor: new (type: never, data: never, dims: readonly number[]) => OnnxTensor;
  readonly InferenceSession: {
    create(model: never, options: never): Promise<OnnxSession>;
  };
  readonly env?: { wasm?: { numThreads?: number | undefined } };
  listSupportedBackends?(): readonly { name: string }[];
}

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
  readonly load: () => Promise<OnnxRuntime>;
  /** What runs a model where nothing is asked for. */
  readonly defaultProvider: string;
  /** Providers that it may have. */
  readonly providers: readonly string[];
  /** Reads a local file, where there are files. */
  readonly readFile?: (path: string | URL) => Promise<Uint8Array>;
  /** Writes local files, each of which appears when it is whole. */
  readonly writeFiles?: (files: readonly { path: string; parts: readonly Uint8Array[] }[]) => Promise<void>;
}
