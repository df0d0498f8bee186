import type { Contender, Sampler } from './compare.ts';

/**
 * What decides a measurement, whatever its model and sampler are called: the network itself, and what its steps compute. Schedulers
 * of one class and configuration compute the same; one without a configuration is like itself alone.
 */
export function measurementKey({ unet, classLabels }: Contender, { scheduler, eta }: Sampler, steps: number): string {
  const { config } = scheduler as { config?: object };
  // The class and not its name, which bundlers change.
  const algorithm = config === undefined ? [identityOf(scheduler)] : [identityOf(scheduler.constructor), config];
  return JSON.stringify([identityOf(unet), classLabels ?? null, algorithm, eta ?? null, steps], withInfinities);
}

const identities = new WeakMap<object, number>();
let known = 0;

function identityOf(one: object): number {
  const identity = identities.get(one) ?? (known += 1);
  identities.set(one, identity);
  return identity;
}

/** JSON has no numbers that are not finite, and writes all of them alike. */
function withInfinities(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
