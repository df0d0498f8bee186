import { useEngine } from '@missing-u/engine';
import type { EngineFlags } from './options.ts';

/** Starts the engine that the flags ask for and says which one it is, on standard error. */
export async function startEngine({ engine, threads }: EngineFlags): Promise<string> {
  const wanted = (engine ?? process.env['MISSING_U_ENGINE'] ?? 'auto') as Parameters<typeof useEngine>[0];
  const { name, device } = await useEngine(wanted, threads === undefined ? {} : { threads });
  process.stderr.write(`engine: ${name} (${device})\n`);
  return name;
}
