import { useEngine } from '@missing-u/engine';
import type { EngineFlags } from './options.ts';

/** Starts the engine that the flags ask for and says which one it is, on standard error; returns its name. */
export async function startEngine({ engine, threads }: EngineFlags): Promise<string> {
  const wanted = (engine ?? process.env['MISSING_U_ENGINE'] ?? 'auto') as Parameters<typeof useEngine>[0];
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const { name, device, version } = await useEngine(wanted, { log, ...(threads === undefined ? {} : { threads }) });
  // `auto` has said so itself.
  if (wanted !== 'auto') log(`engine: ${name} (${version}, ${device})`);
  return name;
}
