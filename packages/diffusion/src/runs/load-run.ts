import { loadSafetensors } from '@missing-u/weights';
import { join } from 'node:path';
import type { Network } from '../networks.ts';
import type { RunConfig } from './config.ts';
import { assignParameters } from './parameters.ts';
import { makeModel } from './registry.ts';
import { latestCheckpoint, readRunConfig } from './run-folder.ts';

export interface LoadedRun {
  config: RunConfig;
  model: Network;
}

/** The network of a training run with the averaged weights of its newest checkpoint; the caller disposes it. */
export async function loadRun(run: string): Promise<LoadedRun> {
  const config = readRunConfig(run);
  const weights = await loadSafetensors(join(latestCheckpoint(run), 'ema.safetensors'));
  const model = makeModel(config);
  try {
    assignParameters(model.parameters(), weights);
    return { config, model };
  } catch (error) {
    model.dispose();
    throw error;
  }
}
