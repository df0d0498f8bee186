import { invalidArgument } from '@missing-u/errors';
import { DiffusionError } from '../errors.ts';

/**
 * Refuses what is no record of metrics by name, before anything is sampled for them; an empty one measures times alone.
 *
 * @param methods that each has to have
 * @throws DiffusionError `DIFFUSION_BAD_METRICS`
 */
export function checkMetrics(metrics: unknown, methods: readonly string[], argument = 'metrics'): void {
  const parts = methods.map((method) => `${method}()`).join(' and ');
  if (typeof metrics !== 'object' || metrics === null) {
    const remedy = 'give {} to measure none';
    refuse(argument, metrics, `an object of metrics by name, each with ${parts}`, remedy);
  }
  for (const [name, metric] of Object.entries(metrics as Record<string, Record<string, unknown> | undefined>)) {
    if (methods.every((method) => typeof metric?.[method] === 'function')) continue;
    refuse(`${argument}.${name}`, metric, `a metric, with ${parts}`);
  }
}

/** Refuses what does not make metrics, one set for each measurement. */
export function checkMetricsMaker(metrics: unknown): void {
  if (typeof metrics === 'function') return;
  refuse('metrics', metrics, 'a function that returns new metrics by name', 'give `() => ({ ... })`');
}

function refuse(argument: string, value: unknown, allowed: string, remedy?: string): never {
  const bad = { argument, value, allowed, ...(remedy !== undefined && { remedy }) };
  throw new DiffusionError('DIFFUSION_BAD_METRICS', invalidArgument(bad));
}
