import type { Candidate, EngineName, EngineOptions } from './types.ts';

/** How one engine is looked at and started. */
export interface Driver {
  name: EngineName;
  /** A cheap look, starting nothing. */
  probe(options: EngineOptions): Promise<Candidate>;
  /** Makes it tfjs' backend. Throws an `EngineError` that says what is wrong and what to do. */
  start(options: EngineOptions): Promise<Started>;
}

/** What there is to tell about an engine that has started. */
export interface Started {
  device: string;
  version: string;
  /** What it runs without, and why: fewer threads than asked for, for example. */
  notes?: string[];
}
