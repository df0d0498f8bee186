import { invalidArgument } from '@missing-u/errors';
import { RePaintScheduler } from '@missing-u/schedulers';
import { DiffusionError } from '../errors.ts';

/**
 * Refuses a scheduler whose steps want more than noise: that of RePaint, which a pipeline may have for `inpaint`.
 *
 * @throws DiffusionError `DIFFUSION_BAD_PIPELINE`
 */
export function checkSampler(scheduler: object): void {
  if (!(scheduler instanceof RePaintScheduler)) return;
  const message = invalidArgument({
    argument: 'scheduler',
    value: scheduler,
    allowed: 'one that samples from noise alone, as DDPMScheduler or DDIMScheduler',
    remedy: 'to paint the unknown part of images, call `inpaint(pipeline, { images, mask })`',
  });
  throw new DiffusionError('DIFFUSION_BAD_PIPELINE', message);
}
