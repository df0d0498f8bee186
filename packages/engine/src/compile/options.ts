import { invalidArgument, unknownName } from '@missing-u/errors';
import { EngineError } from '../errors.ts';

export interface CompileOptions {
  /** Graphs kept at a time, one for each combination of the arguments' shapes and types; default 8. The least used goes. */
  maxGraphs?: number;
  /**
   * Largest relative difference between a graph and the recorded operations executed one by one; default 1e-5, on a card 5e-3.
   * On the processor it is 0 but for rare operations that TensorFlow merges. `Infinity` compares nothing, and saves the first
   * call that execution.
   */
  tolerance?: number;
  /**
   * Most bytes that a run may hold at a time: arguments, variables, results, and what is in between, as `stats` estimates them
   * from shapes and the recorded order (`memory.peakBytes`). Where the function needs more, intermediate results are computed
   * again instead of kept, the cheapest for their size first, and only as many as it takes; results stay the same to the
   * digit. Libraries, and what operations need while they run, come on top. Default: no limit, nothing is computed again but
   * what the function says itself (`checkpoint`).
   */
  memoryBudget?: number;
  /** False runs the function as it is on every engine, for a switch; default true. */
  enabled?: boolean;
}

const names = ['maxGraphs', 'tolerance', 'memoryBudget', 'enabled'];

/** Refuses what `compile` cannot work with, before the function is called: on engines without graphs some of it went unseen. */
export function checkCompileArguments(fn: unknown, options: CompileOptions): void {
  if (typeof fn !== 'function') refuse('fn', fn, 'a function that takes and returns tensors');
  if (typeof options !== 'object' || (options as unknown) === null) refuse('options', options, 'an object');
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new EngineError('ENGINE_COMPILE_OPTION', unknownName('options', name, names));
  }
  const { maxGraphs = 1, tolerance = 0, memoryBudget = Infinity, enabled = true } = options;
  if (!(Number.isInteger(maxGraphs) && maxGraphs >= 1)) refuse('maxGraphs', maxGraphs, 'an integer of 1 or more');
  if (!(typeof tolerance === 'number' && tolerance >= 0)) refuse('tolerance', tolerance, 'a number of 0 or more');
  if (!(typeof memoryBudget === 'number' && memoryBudget > 0)) {
    refuse('memoryBudget', memoryBudget, 'a number of bytes above 0');
  }
  if (typeof enabled !== 'boolean') refuse('enabled', enabled, 'true or false');
}

function refuse(argument: string, value: unknown, allowed: string): never {
  throw new EngineError('ENGINE_COMPILE_OPTION', invalidArgument({ argument, value, allowed }));
}
