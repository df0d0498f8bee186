import { invalidArgument, unknownName } from '@missing-u/errors';
import { cpu } from './cpu/driver.ts';
import type { Driver } from './driver.ts';
import { EngineError } from './errors.ts';
import { registerGradients } from './gradients/register.ts';
import { engineNames, type Candidate, type Engine, type EngineName, type EngineOptions } from './types.ts';
import { wasm } from './wasm/driver.ts';

/** Fastest first: the order in which `auto` tries them. */
const drivers: readonly Driver[] = [wasm, cpu];

/**
 * Starts a TensorFlow.js engine and makes it the backend of this program, with the gradients of all operations registered.
 *
 * @param name an engine, or `auto` for the fastest that works here
 * @throws EngineError `ENGINE_UNKNOWN`, `ENGINE_INVALID_OPTION`, `ENGINE_UNAVAILABLE` (the engine that was asked for does not
 *   work here; the message has the reason and the remedy)
 */
export async function useEngine(name: 'auto' | EngineName = 'auto', options: EngineOptions = {}): Promise<Engine> {
  checkOptions(options);
  const choices = choose(name);
  await registerGradients();
  const reasons: Candidate[] = [];
  for (const driver of choices) {
    try {
      const candidate = await driver.probe(options);
      if (candidate.usable) return { name: driver.name, ...(await driver.start(options)), reasons };
      reasons.push(candidate);
    } catch (error) {
      if (!(error instanceof EngineError) || name !== 'auto') throw error;
      reasons.push({ name: driver.name, usable: false, reason: error.message });
    }
  }
  const told = reasons.map(
    ({ name, reason, remedy }) => `${name}: ${reason}${remedy === undefined ? '' : ` (${remedy})`}`,
  );
  throw new EngineError('ENGINE_UNAVAILABLE', `The engine '${name}' cannot be used here. ${told.join('; ')}.`);
}

function choose(name: string): readonly Driver[] {
  if (name === 'auto') return drivers;
  const chosen = drivers.filter((driver) => driver.name === name);
  if (chosen.length > 0) return chosen;
  throw new EngineError('ENGINE_UNKNOWN', unknownName('name', name, ['auto', ...engineNames]));
}

function checkOptions({ threads, gpu }: EngineOptions): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    const message = invalidArgument({ argument: 'threads', value: threads, allowed: 'an integer of 1 or more' });
    throw new EngineError('ENGINE_INVALID_OPTION', message);
  }
  if (gpu !== undefined && typeof gpu !== 'boolean') {
    throw new EngineError(
      'ENGINE_INVALID_OPTION',
      invalidArgument({ argument: 'gpu', value: gpu, allowed: 'true or false' }),
    );
  }
}
