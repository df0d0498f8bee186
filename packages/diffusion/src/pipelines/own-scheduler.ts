import type { SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';

/** Schedulers that a process is on its way with. */
const busy = new WeakSet<SamplingScheduler>();

/**
 * Runs a process with a scheduler that nobody else uses: its timesteps and what earlier steps left in it belong to one process at a
 * time. Where another one is on its way, as in a server that samples for several people, that is a copy.
 *
 * @throws DiffusionError `DIFFUSION_SCHEDULER_BUSY`
 */
export async function withOwnScheduler<S extends SamplingScheduler, T>(
  scheduler: S,
  work: (own: S) => Promise<T>,
): Promise<T> {
  const own = busy.has(scheduler) ? copyOf(scheduler) : scheduler;
  busy.add(own);
  try {
    return await work(own);
  } finally {
    busy.delete(own);
  }
}

/** A scheduler of the same class and configuration. */
function copyOf<S extends SamplingScheduler>(scheduler: S): S {
  const { config, constructor } = scheduler as S & { config?: object; constructor: new (config: object) => S };
  if (config !== undefined) return new constructor(config);
  const message =
    'The pipeline is sampling already, and its scheduler, which has no `config` to make a copy from, serves one process at a time. ' +
    'Wait for the other to end, or give each pipeline a scheduler of its own.';
  throw new DiffusionError('DIFFUSION_SCHEDULER_BUSY', message);
}
