import { diffusionDenoiser, type ImageDenoiser } from '@missing-u/denoisers';
import { DDIMScheduler } from '@missing-u/schedulers';
import { loadRun } from '../runs/load-run.ts';

/** The model of a training run with the face of the classical denoisers: DDIM from the timestep as noisy as the image. */
export async function loadDenoiser(run: string): Promise<ImageDenoiser> {
  const { config, model } = await loadRun(run);
  const scheduler = new DDIMScheduler({
    num_train_timesteps: config.timesteps,
    beta_schedule: config.schedule,
    prediction_type: config.prediction,
  });
  return diffusionDenoiser(model, scheduler);
}
