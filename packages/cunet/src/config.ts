import { invalidArgument, unknownName } from '@missing-u/errors';
import {
  activationNames,
  checkBoolean,
  checkChoice,
  checkGroups,
  checkInteger,
  checkOptionNames,
  checkOptionsObject,
  checkWeightOptions,
} from '@missing-u/unet-blocks';
import { CUNetError } from './errors.ts';
import { attentionPlaces, type CUNetConfig, type CUNetOptions } from './options.ts';
import { fivePlaces, presets } from './presets.ts';
import { solverMethods } from './solver.ts';

/** The preset with the options put over it, checked. */
export function resolveConfig(options: CUNetOptions): CUNetConfig {
  checkOptionsObject('options', options);
  const {
    preset = 'cunet',
    attention,
    solver: solving,
    gradient: _gradient,
    weights: _weights,
    outputInitializer = 'uniform',
    seed: _seed,
    generator: _generator,
    ...rest
  } = options;
  if (!Object.hasOwn(presets, preset)) {
    throw new CUNetError('CUNET_UNKNOWN_PRESET', unknownName('preset', preset, Object.keys(presets)));
  }
  const base: Omit<CUNetConfig, 'outChannels'> = presets[preset];
  const initial = ['weights', 'outputInitializer', 'seed', 'generator'];
  checkOptionNames(rest, [...Object.keys(base), 'outChannels', 'preset', 'gradient', ...initial]);
  checkWeightOptions(options);
  checkChoice('outputInitializer', outputInitializer, ['uniform', 'zeros']);
  const solver = typeof solving === 'string' ? { method: solving } : (solving ?? {});
  checkOptionsObject('solver', solver);
  checkOptionNames(solver, Object.keys(base.solver));
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const inChannels = options.inChannels ?? base.inChannels;
  const config: CUNetConfig = {
    outChannels: inChannels,
    ...base,
    ...given,
    attention: attention === undefined ? base.attention : places(attention),
    solver: { ...base.solver, ...solver },
  };
  checkConfig(config);
  return Object.freeze(config);
}

function places(attention: NonNullable<CUNetOptions['attention']>): CUNetConfig['attention'] {
  if (attention === 'a2') return presets.cunet.attention;
  if (attention === 'a5') return fivePlaces;
  if (attention === 'none') return [];
  if (typeof attention === 'string') checkChoice('attention', attention, ['a2', 'a5', 'none']);
  if (!Array.isArray(attention)) {
    const allowed = `'a2', 'a5', 'none' or a list of places (${attentionPlaces.join(', ')})`;
    throw new CUNetError('CUNET_OPTION', invalidArgument({ argument: 'attention', value: attention, allowed }));
  }
  for (const place of attention) checkChoice('attention', place, attentionPlaces);
  return attention;
}

function checkConfig(config: CUNetConfig): void {
  for (const name of ['inChannels', 'outChannels', 'attentionHeads', 'attentionHeadSize'] as const) {
    checkInteger(name, config[name]);
  }
  if (config.trainTimesteps !== null || config.timeEmbedding === 'table') {
    checkInteger('trainTimesteps', config.trainTimesteps);
  }
  checkInteger('channels', config.channels, 2);
  checkInteger('imageSize', config.imageSize, 16);
  checkInteger('timeSize', config.timeSize, 4);
  checkInteger('solver.steps', config.solver.steps);
  checkBoolean('integrationTime', config.integrationTime);
  checkBoolean('attentionResidual', config.attentionResidual);
  checkChoice('solver.method', config.solver.method, solverMethods);
  checkChoice('order', config.order, ['first', 'second']);
  checkChoice('residual', config.residual, ['conv3x3', 'conv1x1', 'identity', 'none']);
  checkChoice('norm', config.norm, ['group', 'instance']);
  checkChoice('activation', config.activation, activationNames);
  checkChoice('accelerationOutput', config.accelerationOutput, ['activated', 'linear']);
  checkChoice('velocityOutput', config.velocityOutput, ['activated', 'linear']);
  checkChoice('stem', config.stem, ['lift', 'published']);
  checkChoice('timeConditioning', config.timeConditioning, ['film', 'additive', 'none']);
  checkChoice('timeEmbedding', config.timeEmbedding, ['mlp', 'table']);
  if (config.norm === 'group') checkGroups(config.groups, config.channels);
  const refuse = (argument: string, value: unknown, allowed: string, remedy?: string): never => {
    const bad = { argument, value, allowed };
    throw new CUNetError('CUNET_OPTION', invalidArgument(remedy === undefined ? bad : { ...bad, remedy }));
  };
  if (![1, 3].includes(config.secondKernel)) refuse('secondKernel', config.secondKernel, '1 or 3');
  for (const name of ['rtol', 'atol'] as const) {
    const value = config.solver[name];
    if (!(value > 0 && value < Infinity)) refuse(`solver.${name}`, value, 'a number above 0');
  }
  if (config.channels % 2 !== 0) refuse('channels', config.channels, 'even: half of them are the velocity');
  if (config.imageSize % 16 !== 0) {
    refuse('imageSize', config.imageSize, 'a multiple of 16', 'pad or resize the images');
  }
  if (config.norm === 'instance' && config.imageSize < 32) {
    refuse(
      'imageSize',
      config.imageSize,
      '32 or more with instance normalisation',
      'the bottom level needs 2 x 2 pixels',
    );
  }
  if (config.order === 'second' && config.residual === 'identity') {
    refuse(
      'residual',
      config.residual,
      "'conv3x3', 'conv1x1' or 'none' in second order",
      'f gives half of the channels',
    );
  }
}
