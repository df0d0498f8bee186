import { fileURLToPath } from 'node:url';
import { MissingUError, unknownName } from '@missing-u/errors';

/** A stable `code` comes with each: `PRETRAINED_UNKNOWN_MODEL`. */
export class PretrainedError extends MissingUError {}

/** The trained models; another one is a folder in diffusers' layout and its name here. */
export const modelNames = ['mnist-cunet', 'mnist-unet', 'faces-cunet', 'faces-unet'] as const;

export type ModelName = (typeof modelNames)[number];

/**
 * The folder of a trained model on this disk, in diffusers' layout, as every `fromPretrained` of this project takes it: weights
 * in float16, the scheduler of its chain, `training.json` with the settings of the last part of its training, and its card,
 * `README.md`.
 *
 * @throws PretrainedError `PRETRAINED_UNKNOWN_MODEL`
 */
export function modelFolder(name: ModelName): string {
  if (!modelNames.includes(name)) {
    throw new PretrainedError('PRETRAINED_UNKNOWN_MODEL', unknownName('name', name, modelNames));
  }
  // The entry lies as deep in `src/` as in `dist/`.
  return fileURLToPath(new URL(`../${name}`, import.meta.url));
}
