import { DiffusionError } from '../errors.ts';
import type { RunConfig } from './config.ts';

/** The settings of the first run, once all are known to agree on data and chain. */
export function commonConfig(configs: readonly RunConfig[]): RunConfig {
  const shared = ['dataset', 'size', 'timesteps', 'schedule', 'prediction'] as const;
  for (const key of shared) {
    const values = [...new Set(configs.map((config) => config[key]))];
    if (values.length === 1) continue;
    const message = `The runs differ in \`${key}\` (${values.join(', ')}); compare runs of one data set and one noise schedule.`;
    throw new DiffusionError('DIFFUSION_RUNS_DIFFER', message);
  }
  return configs[0]!;
}
