import { EngineError } from '@missing-u/engine';
import { DiffusionError } from './errors.ts';

/**
 * Calls a compiled function, and adds to what `compile` refuses how to do without it.
 *
 * @throws DiffusionError `DIFFUSION_NOT_COMPILABLE`; EngineError `ENGINE_COMPILE_MEMORY`
 */
export function guided<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof EngineError && error.code.startsWith('ENGINE_COMPILE_'))) throw error;
    // Without a graph it would need more memory still.
    if (error.code === 'ENGINE_COMPILE_MEMORY') throw error;
    const remedy = 'To run it as it is, slower: `compile: false`, or `--no-compile` on the command line.';
    throw new DiffusionError('DIFFUSION_NOT_COMPILABLE', `${error.message} ${remedy}`, { cause: error });
  }
}
