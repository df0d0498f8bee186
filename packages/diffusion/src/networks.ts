import { unknownName } from '@missing-u/errors';
import { CUNet, presets as cunetPresets, type PresetName } from '@missing-u/cunet';
import { classNameOf, UNet, UNet2DModel, unetPresets, type UNetConfig } from '@missing-u/unet-blocks';
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
  /** The same network as one of another class, where there is one that more people can read. */
  as?(config: object): NetworkDescription | undefined;
  /** A network of this configuration, with shapes but without values. */
  make(config: Record<string, unknown>): Network;
}

/** The networks that a pipeline's folder can hold, by class name; a new one is one line. */
const networks: Readonly<Record<string, NetworkClass>> = {
  CUNet: { library: '@missing-u/cunet', make: (config) => new CUNet({ ...config, weights: 'none' }) },
  UNet: {
    library: '@missing-u/unet-blocks',
    as: asUNet2DModel,
    make: (config) => new UNet({ ...config, weights: 'none' }),
  },
  UNet2DModel: { library: 'diffusers', make: (config) => new UNet2DModel(config, { weights: 'none' }) },
};

/** How a network is written to a folder: the library and class that `model_index.json` names, and the configuration. */
export interface NetworkDescription {
  library: string;
  className: string;
  config: object;
}

/** @throws DiffusionError `DIFFUSION_UNKNOWN_NETWORK` for a denoiser that is none of ours */
export function describeNetwork(network: object): NetworkDescription {
  const className = classNameOf(network);
  const { library, as } = findNetwork(className);
  const { config } = network as Network;
  return as?.(config) ?? { library, className, config };
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

/** Ho et al.'s U-Nets are diffusers' `UNet2DModel` under another name: the same weights by the same names. */
function asUNet2DModel(config: object): NetworkDescription | undefined {
  const { preset, inChannels, outChannels, imageSize } = config as UNetConfig;
  if (preset === 'lucidrains') return undefined;
  const options = { ...unetPresets[preset], inChannels, outChannels, sampleSize: imageSize };
  const model = new UNet2DModel(options as ConstructorParameters<typeof UNet2DModel>[0], { weights: 'none' });
  return { library: 'diffusers', className: 'UNet2DModel', config: model.config };
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
