import { invalidArgument, unknownName } from '@missing-u/errors';
import { host } from '#host';
import { unusable, type Driver, type Started } from './driver.ts';
import { drivers } from './drivers.ts';
import { EngineError } from './errors.ts';
import { registerGradients } from './gradients/register.ts';
import { engineNames, type Candidate, type Engine, type EngineName, type EngineOptions } from './types.ts';
import { verifyEngine } from './verify.ts';

/**
 * Starts a TensorFlow.js engine, checks it with known numbers and makes it the backend of this program, with the gradients of
 * all operations registered. Calls at the same time follow one another, and share what has been started.
 *
 * @param engine its name, or `auto` for the fastest that works here; where nothing is given, the environment variable
 *   `MISSING_U_ENGINE`, or else `auto`
 * @throws EngineError `ENGINE_UNKNOWN`, `ENGINE_INVALID_OPTION`, `ENGINE_UNAVAILABLE` (the engine that was asked for does not
 *   work here; the message has the reason and the remedy), `ENGINE_WRONG_RESULTS` (it computes wrong numbers),
 *   `ENGINE_ALREADY_STARTED` (it runs with other threads; for `auto` too)
 */
export async function useEngine(engine?: 'auto' | EngineName, options: EngineOptions = {}): Promise<Engine> {
  checkOptions(options);
  const wanted = engine ?? host?.variable('MISSING_U_ENGINE') ?? 'auto';
  const choices = choose(wanted);
  const start = calls.then(() => startFirst(choices, wanted, options));
  calls = start.catch(() => undefined);
  return start;
}

/**
 * The calls before, whose ends the next one waits for: a backend that is still being made looks like none, and would be made
 * once more; and of two engines the one that was asked for last is to be the one that runs.
 */
let calls: Promise<unknown> = Promise.resolve();

async function startFirst(choices: readonly Driver[], wanted: string, options: EngineOptions): Promise<Engine> {
  await registerGradients();
  const reasons: Candidate[] = [];
  for (const driver of choices) {
    const outcome = await attempt(driver, { ...options, automatic: wanted === 'auto' });
    if ('started' in outcome) {
      const running: Engine = { name: driver.name, ...outcome.started, reasons };
      announce(running, wanted, options.log);
      return running;
    }
    if (wanted !== 'auto' && outcome.error !== undefined) throw outcome.error;
    reasons.push(outcome.candidate);
  }
  const told = reasons.map(withRemedy).join('; ');
  throw new EngineError('ENGINE_UNAVAILABLE', `The engine '${wanted}' cannot be used here: ${told}.`);
}

/** A reason as a part of a sentence, with the remedy, which reasons that come from errors name already. */
function withRemedy({ reason, remedy }: Candidate): string {
  const plain = reason.replace(/\.$/, '');
  return remedy === undefined || plain.includes(remedy) ? plain : `${plain}; run \`${remedy}\``;
}

type Outcome = { started: Started } | { candidate: Candidate; error?: EngineError };

/** Starts and verifies one engine. What it cannot do is an answer here, what nobody foresaw is thrown. */
async function attempt(driver: Driver, options: EngineOptions & { automatic: boolean }): Promise<Outcome> {
  const candidate =
    options.gpu === true && onProcessor.has(driver.name) ? noCard(driver.name) : await driver.probe(options);
  if (!candidate.usable) return { candidate };
  try {
    const started = await driver.start(options);
    await verifyEngine();
    return { started };
  } catch (error) {
    // It works, but not as it is wanted now: another engine would be a surprise.
    if (!(error instanceof EngineError) || error.code === 'ENGINE_ALREADY_STARTED') throw error;
    return { candidate: unusable(driver.name, error), error };
  }
}

/** Engines that never compute on a graphics card. */
const onProcessor: ReadonlySet<EngineName> = new Set(['wasm', 'cpu']);

function noCard(name: EngineName): Candidate {
  return {
    name,
    usable: false,
    reason: `${name} computes on the processor, and \`gpu: true\` insists on a graphics card`,
  };
}

/** What has been told already. */
const announced = new Set<string>();

/** Says once which engine `auto` chose, and whatever an engine has to do without: there are no silent fallbacks. */
function announce({ name, device, version, notes }: Engine, wanted: string, log = host?.log ?? console.info): void {
  const lines = [...(wanted === 'auto' ? [`engine: ${name} (${version}, ${device})`] : []), ...notes];
  for (const line of lines) {
    if (!announced.has(line)) log(line);
    announced.add(line);
  }
}

function choose(name: string): readonly Driver[] {
  if (name === 'auto') return drivers;
  const known: readonly string[] = ['auto', ...engineNames];
  if (!known.includes(name)) throw new EngineError('ENGINE_UNKNOWN', unknownName(originOf(name), name, known));
  const chosen = drivers.filter((driver) => driver.name === name);
  if (chosen.length > 0) return chosen;
  const here = drivers.map((driver) => driver.name).join(', ');
  throw new EngineError('ENGINE_UNAVAILABLE', `The engine '${name}' does not exist in this place; there are ${here}.`);
}

/** Where a name comes from: commands hand over the variable themselves. */
function originOf(name: string): string {
  return name === host?.variable('MISSING_U_ENGINE') ? 'MISSING_U_ENGINE' : 'engine';
}

function checkOptions({ threads, gpu }: EngineOptions): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    const message = invalidArgument({ argument: 'threads', value: threads, allowed: 'an integer of 1 or more' });
    throw new EngineError('ENGINE_INVALID_OPTION', message);
  }
  if (gpu !== undefined && typeof gpu !== 'boolean') {
    const message = invalidArgument({ argument: 'gpu', value: gpu, allowed: 'true or false' });
    throw new EngineError('ENGINE_INVALID_OPTION', message);
  }
}
