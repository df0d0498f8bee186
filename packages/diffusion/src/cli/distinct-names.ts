import { existsSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { DiffusionError } from '../errors.ts';

/**
 * Short names for models that are named together: the last part of each path, and for those that share it as many parts more as
 * tell them apart.
 *
 * @throws DiffusionError `DIFFUSION_DUPLICATE_NAME` where one model is named twice
 */
export function distinctNames(models: readonly string[]): string[] {
  // Names that are no folders, as those on a hub, lie nowhere.
  const partsOf = (model: string) => (existsSync(model) ? resolve(model).split(sep) : model.split('/'));
  const paths = models.map((model) => partsOf(model).filter((part) => part !== ''));
  return paths.map((parts, i) => {
    for (let length = 1; length <= parts.length; length++) {
      const name = parts.slice(-length).join('/');
      if (paths.every((other, j) => j === i || other.slice(-length).join('/') !== name)) return name;
    }
    const message = `The model \`${models[i]}\` is named twice: name each model once.`;
    throw new DiffusionError('DIFFUSION_DUPLICATE_NAME', message);
  });
}
