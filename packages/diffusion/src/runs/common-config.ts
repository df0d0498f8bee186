import { DiffusionError } from '../errors.ts';
import type { RunConfig } from './config.ts';
import { datasetChannels } from './registry.ts';

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

/** What names a data set on the command line. */
export interface NamedData {
  dataset?: string;
  root?: string | null;
}

/**
 * The settings of models with the data set that is named, where one is: other images of as many channels, in their usual place if
 * no folder is named.
 *
 * @throws DiffusionError `DIFFUSION_RUNS_DIFFER`, `DIFFUSION_UNKNOWN_DATASET`
 */
export function onNamedData(
  trained: RunConfig,
  { dataset = trained.dataset, root = dataset === trained.dataset ? trained.root : null }: NamedData,
  channels = datasetChannels(trained),
): RunConfig {
  const config = { ...trained, dataset, root };
  if (datasetChannels(config) === channels) return config;
  const message = `The models make images of ${channels} channels, but those of '${dataset}' have ${datasetChannels(config)}: name another data set with --dataset.`;
  throw new DiffusionError('DIFFUSION_RUNS_DIFFER', message);
}
