import type { Network } from '../networks.ts';
import { readWeights } from './checkpoint.ts';
import type { RunConfig } from './config.ts';
import { assignParameters } from './parameters.ts';
import { makeModel } from './registry.ts';
import { checkpointOf, readRunConfig } from './run-folder.ts';

export interface LoadRunOptions {
  /** `latest` (default), `best`, a step, or the name of a checkpoint's folder. */
  checkpoint?: string;
  /** Which average of the weights, by its place in `emaDecay`; false for the trained weights themselves. Default 0. */
  ema?: number | false;
}

export interface LoadedRun {
  config: RunConfig;
  model: Network;
}

/**
 * The network of a training run with the averaged weights of a checkpoint; the caller disposes it.
 *
 * @throws DiffusionError `DIFFUSION_NOT_A_RUN`, `DIFFUSION_NO_CHECKPOINT`, `DIFFUSION_UNKNOWN_CHECKPOINT`,
 *   `DIFFUSION_CHECKPOINT_DAMAGED`
 */
export async function loadRun(run: string, { checkpoint, ema = 0 }: LoadRunOptions = {}): Promise<LoadedRun> {
  const config = readRunConfig(run);
  const weights = await readWeights(checkpointOf(run, checkpoint), { ema });
  const model = makeModel(config);
  try {
    assignParameters(
      model.parameters().filter(({ variable }) => variable.trainable),
      weights,
    );
    return { config, model };
  } catch (error) {
    model.dispose();
    throw error;
  }
}
