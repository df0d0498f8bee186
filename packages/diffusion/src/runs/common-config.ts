import { DiffusionError } from '../errors.ts';
import type { RunConfig } from './config.ts';

/** What runs share that are measured against the same images. */
export const dataKeys = ['dataset', 'size'] as const;
const chainKeys = ['timesteps', 'schedule', 'prediction'] as const;

/** The settings of the first run, once all are known to agree on the data, and on the chain where that is shared too. */
export function commonConfig(
  configs: readonly RunConfig[],
  shared: readonly (keyof RunConfig)[] = [...dataKeys, ...chainKeys],
): RunConfig {
  for (const key of shared) {
    const values = [...new Set(configs.map((config) => config[key]))];
    if (values.length === 1) continue;
    const message =
      `The runs differ in \`${key}\` (${values.map(String).join(', ')}); ` +
      `they have to be of one data set${shared.length > dataKeys.length ? ' and one noise schedule' : ''}.`;
    throw new DiffusionError('DIFFUSION_RUNS_DIFFER', message);
  }
  return configs[0]!;
}
