/** The engines of this package, fastest first. */
export const engineNames = ['native', 'webgpu', 'webgl', 'wasm', 'cpu'] as const;

/** `native`: TensorFlow's C library; `webgpu` and `webgl`: graphics cards; `wasm`: WebAssembly; `cpu`: plain JavaScript. */
export type EngineName = (typeof engineNames)[number];

export interface EngineOptions {
  /** Threads of `native` and `wasm`. Default: the processor's physical cores. */
  threads?: number;
  /** `false` keeps `native` on the processor even where it could use a graphics card; `true` insists on a card, with `auto` too. */
  gpu?: boolean;
  /** Is told, once, which engine `auto` chose. Default: standard error, or the console of a browser. */
  log?: (line: string) => void;
}

/** An engine as it stands on this machine: usable, or not for a reason, with what would change that. */
export interface Candidate {
  name: EngineName;
  usable: boolean;
  /** Why it is usable or not, in a sentence. */
  reason: string;
  /** The one command or step that makes it usable. */
  remedy?: string;
}

/** The engine that runs. */
export interface Engine {
  name: EngineName;
  /** What it computes on, for people: `AMD EPYC, 2 threads`. */
  device: string;
  /** The version of the library that computes. */
  version: string;
  /** Why each faster engine is not used. */
  reasons: Candidate[];
  /** What the engine has to do without, and why: fewer threads than asked for, for example. */
  notes: string[];
}
