import { drivers } from './drivers.ts';
import { useEngine } from './use-engine.ts';
import type { Candidate, Engine } from './types.ts';

/** How this machine stands: the engine that `auto` takes here, and every engine with the reason why it is usable or not. */
export interface Diagnosis {
  engine: Pick<Engine, 'name' | 'device' | 'version'>;
  candidates: Candidate[];
}

/**
 * Looks at every engine and starts the best one, as `useEngine('auto')` does. The reason why a better one is not there comes
 * with the one command that would change that.
 */
export async function doctor(): Promise<Diagnosis> {
  const { name, device, version, reasons, notes } = await useEngine('auto', { log: () => undefined });
  const candidates: Candidate[] = [];
  for (const driver of drivers) {
    const failed = reasons.find((reason) => reason.name === driver.name);
    const candidate = failed ?? (await driver.probe({}));
    const told = driver.name === name && notes.length > 0 ? [candidate.reason, ...notes].join('; ') : candidate.reason;
    candidates.push({ ...candidate, reason: told });
  }
  return { engine: { name, device, version }, candidates };
}
