import { EngineError } from './errors.ts';
import type { Candidate, EngineName, EngineOptions } from './types.ts';

/** How one engine is looked at and started. */
export interface Driver {
  name: EngineName;
  /** A cheap look, starting nothing. */
  probe(options: EngineOptions): Promise<Candidate>;
  /**
   * Makes it tfjs' backend. `automatic`: nobody asked for this engine, so it has to be faster than the next one. Throws an
   * `EngineError` that says what is wrong and what to do.
   */
  start(options: EngineOptions & { automatic: boolean }): Promise<Started>;
}

/** What there is to tell about an engine that has started. */
export interface Started {
  device: string;
  version: string;
  /** What it has to do without, and why. */
  notes: string[];
}

/** Imports a package that the application has to bring along. */
export async function loadPeer<Module>(load: () => Promise<Module>, name: string): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const message = `The package ${name} is not installed; run \`npm install ${name}\`.`;
    throw new EngineError('ENGINE_PACKAGE_MISSING', message, { cause });
  }
}
