import { unknownName } from '@missing-u/errors';
import { CUNet, presets as cunetPresets, type PresetName } from '@missing-u/cunet';
import { UNet, UNet2DModel } from '@missing-u/unet-blocks';
import type { StateDict } from '@missing-u/weights';
import type { TrainableDenoiser } from './contracts.ts';
import { DiffusionError } from './errors.ts';

/** A network that can be written to a folder and read back. */
export interface Network extends TrainableDenoiser {
  /** JSON from which the constructor makes a network of the same kind. */
  readonly config: object;
  stateDict(): StateDict;
  loadStateDict(dict: StateDict): unknown;
  dispose(): void;
}

interface NetworkClass {
  /** Where `model_index.json` says that the class lives. */
  library: string;
  /** A network of this configuration, with shapes but without values. */
  make(config: Record<string, unknown>): Network;
}

/** The networks that a pipeline's folder can hold, by class name; a new one is one line. */
const networks: Readonly<Record<string, NetworkClass>> = {
  CUNet: { library: '@missing-u/cunet', make: (config) => new CUNet({ ...config, weights: 'none' }) },
  UNet: { library: '@missing-u/unet-blocks', make: (config) => new UNet({ ...config, weights: 'none' }) },
  UNet2DModel: { library: 'diffusers', make: (config) => new UNet2DModel(config, { weights: 'none' }) },
};

/** The library and class that `model_index.json` names for a network. */
export function networkIdentity(network: object): [library: string, className: string] {
  const className = network.constructor.name;
  const { library } = findNetwork(className);
  return [library, className];
}

/**
 * A network of a class by name and its configuration, waiting for `loadStateDict`.
 *
 * @throws DiffusionError `DIFFUSION_UNKNOWN_NETWORK`
 */
export function makeNetwork(className: string, config: Record<string, unknown>): Network {
  return findNetwork(className).make(config);
}

function findNetwork(className: string): NetworkClass {
  if (Object.hasOwn(networks, className)) return networks[className]!;
  const message = unknownName('class of the network', className, Object.keys(networks));
  throw new DiffusionError('DIFFUSION_UNKNOWN_NETWORK', message);
}

/** Networks without values by the name of their preset: those of `CUNet`, `unet` (the baseline of the paper), Ho et al.'s. */
const presets: Readonly<Record<string, (inChannels: number, imageSize: number) => Network>> = {
  unet: (inChannels, imageSize) => new UNet({ preset: 'lucidrains', inChannels, imageSize, weights: 'none' }),
  ho: (inChannels, imageSize) => new UNet({ preset: 'ho', inChannels, imageSize, weights: 'none' }),
  'ho-256': (inChannels, imageSize) => new UNet({ preset: 'ho-256', inChannels, imageSize, weights: 'none' }),
  ...Object.fromEntries(
    Object.keys(cunetPresets).map((preset) => [
      preset,
      (inChannels: number, imageSize: number) =>
        new CUNet({ preset: preset as PresetName, inChannels, imageSize, weights: 'none' }),
    ]),
  ),
};

export const presetNames = Object.keys(presets);

/**
 * The network of a preset, for images of this many channels and this side, without values.
 *
 * @throws DiffusionError `DIFFUSION_UNKNOWN_PRESET`
 */
export function makePreset(name: string, inChannels: number, imageSize: number): Network {
  if (Object.hasOwn(presets, name)) return presets[name]!(inChannels, imageSize);
  throw new DiffusionError('DIFFUSION_UNKNOWN_PRESET', unknownName('preset', name, presetNames));
}
