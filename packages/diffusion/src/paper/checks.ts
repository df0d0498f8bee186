import { accessSync, constants, realpathSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { invalidArgument } from '@missing-u/errors';
import { classNameOf } from '@missing-u/unet-blocks';
import { DiffusionError } from '../errors.ts';
import type { Network } from '../networks.ts';
import { takesLabels } from '../pipelines/labels.ts';
import type { RunConfig } from '../runs/config.ts';
import { hasHeldOut } from '../runs/registry.ts';

/** The settings that the chain of the models bounds, and the options that they are given by. */
const options = { steps: '--steps', etaSteps: '--eta-steps', starts: '--starts' } as const;
type Bounded = keyof typeof options;

/** Numbers of steps and places in a chain. */
export interface ChainCounts {
  steps: readonly number[];
  etaSteps: number;
  starts: readonly number[];
}

/**
 * The settings for a chain of this length. What was asked for has to fit; of the defaults what does not is left out.
 *
 * @throws DiffusionError `DIFFUSION_BAD_COUNT`
 */
export function withinChain(settings: ChainCounts, asked: ReadonlySet<string>, timesteps: number): ChainCounts {
  const fitting = (key: Bounded, counts: readonly number[]): readonly number[] => {
    const [known, beyond] = [counts.filter((count) => count <= timesteps), counts.find((count) => count > timesteps)];
    if (beyond === undefined) return counts;
    if (!asked.has(key)) return known.length > 0 ? known : [timesteps];
    const allowed = `an integer from 1 to ${timesteps}, the timesteps that the models were trained on`;
    const message = invalidArgument({ argument: options[key], value: beyond, allowed });
    throw new DiffusionError('DIFFUSION_BAD_COUNT', message);
  };
  const { steps, etaSteps, starts } = settings;
  return {
    steps: fitting('steps', steps),
    etaSteps: fitting('etaSteps', [etaSteps])[0]!,
    starts: fitting('starts', starts),
  };
}

/** A model as it was named on the command line. */
export interface NamedModel {
  name: string;
  model: Network;
}

/**
 * Refuses models that the tables are not about: the paper's are unconditional, and its second column is a continuous U-Net's.
 *
 * @throws DiffusionError `DIFFUSION_BAD_LABELS`, `DIFFUSION_NOT_A_CUNET`
 */
export function checkModels(unet: NamedModel, cunet: NamedModel): void {
  for (const [option, { name, model }] of [['--unet', unet] as const, ['--cunet', cunet] as const]) {
    if (!takesLabels(model)) continue;
    const message = `\`${option}\` is '${name}', which takes class labels, but the experiments of the paper have none: name a model that was trained without --class-conditioning.`;
    throw new DiffusionError('DIFFUSION_BAD_LABELS', message);
  }
  const found = classNameOf(cunet.model);
  if (found === 'CUNet') return;
  const message =
    `\`--cunet\` is '${cunet.name}', a ${found}: its numbers would stand beside the paper's of a continuous U-Net. ` +
    'Name a cU-Net (`missing-u train --model cunet` makes one), and other networks with --unet.';
  throw new DiffusionError('DIFFUSION_NOT_A_CUNET', message);
}

/**
 * Whether images that are measured on may be among those of a training: no part of the data set is held out, and the folders are
 * one, however they are spelled, or one is in the other.
 */
export function sharesImages(measured: RunConfig, trained: RunConfig): boolean {
  if (hasHeldOut(measured) || measured.root === null || trained.root === null) return false;
  const [a, b] = [placeOf(measured.root), placeOf(trained.root)];
  return `${a}${sep}`.startsWith(`${b}${sep}`) || `${b}${sep}`.startsWith(`${a}${sep}`);
}

function placeOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return resolve(folder); // The folder of a training need not be there any more.
  }
}

/**
 * Refuses a file that cannot be read, before the hours of work that come before it is needed.
 *
 * @throws DiffusionError `DIFFUSION_NO_WEIGHTS`
 */
export function checkReadable(option: string, file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    const allowed = `a file that can be read (${(cause as Error).message})`;
    throw new DiffusionError('DIFFUSION_NO_WEIGHTS', invalidArgument({ argument: option, value: file, allowed }), {
      cause,
    });
  }
}
