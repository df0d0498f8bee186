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
    const remedy = `npm install ${name}`;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const missing = (cause as { code?: string }).code === 'ERR_MODULE_NOT_FOUND' && reason.includes(name);
    const message = missing
      ? `The package ${name} is not installed; run \`${remedy}\`.`
      : `The package ${name} cannot be loaded (${reason}); run \`${remedy}\`.`;
    throw new EngineError('ENGINE_PACKAGE_MISSING', message, { cause, remedy });
  }
}

/** An engine that is usable for that reason if only its package can be loaded. */
export async function lookAtPeer(name: EngineName, load: () => Promise<unknown>, reason: string): Promise<Candidate> {
  try {
    await load();
    return { name, usable: true, reason };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return unusable(name, error);
  }
}

/** An engine that an error keeps from being used. */
export function unusable(name: EngineName, { message, remedy }: EngineError): Candidate {
  return { name, usable: false, reason: message, ...(remedy !== undefined && { remedy }) };
}
