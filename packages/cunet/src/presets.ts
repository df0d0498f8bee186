import type { CUNetConfig } from './options.ts';

/** Default values of all options: the paper's network. */
const cunet: Omit<CUNetConfig, 'outChannels'> = {
  inChannels: 3,
  channels: 32,
  imageSize: 64,
  trainTimesteps: 1000,
  order: 'second',
  secondKernel: 3,
  residual: 'conv3x3',
  norm: 'group',
  groups: 8,
  activation: 'relu',
  accelerationOutput: 'activated',
  velocityOutput: 'linear',
  stem: 'lift',
  timeConditioning: 'film',
  timeEmbedding: 'mlp',
  timeSize: 64,
  integrationTime: false,
  attention: ['e4', 'd1'],
  attentionHeads: 4,
  attentionHeadSize: 32,
  attentionResidual: true,
  solver: { method: 'rk4', steps: 1, rtol: 1e-3, atol: 1e-3 },
};

/** The five places of attention of the paper's Table 5. */
export const fivePlaces = ['e2', 'e4', 'b', 'd1', 'd3'] as const;

const withoutResidual = { secondKernel: 1, residual: 'none' } as const;
const firstOrder = { ...cunet, order: 'first', residual: 'identity' } as const;

/** The network that the first author published: first order, and in the residual forms blind to the diffusion time. */
const published = {
  ...firstOrder,
  norm: 'instance',
  activation: 'softplus',
  stem: 'published',
  timeConditioning: 'none',
  timeEmbedding: 'table',
  timeSize: 256,
  attentionResidual: false,
} as const;
const publishedWithoutResidual = { ...published, ...withoutResidual, timeConditioning: 'additive' } as const;

/**
 * The networks by name. `a5` has attention at the five places of the paper's Table 5 and not at two; `woA` is without
 * attention, `woR` without the residual form of f, `woAR` without both; `fo` is first order. The `published` ones have the
 * structure of the first author's code, whose parameters Figure 6 counts.
 */
export const presets = {
  cunet,
  'cunet-a5': { ...cunet, attention: fivePlaces },
  'cunet-woA': { ...cunet, attention: [] },
  'cunet-woR': { ...cunet, ...withoutResidual },
  'cunet-woAR': { ...cunet, ...withoutResidual, attention: [] },
  'cunet-fo': firstOrder,
  'cunet-fo-woR': { ...firstOrder, ...withoutResidual },
  'cunet-fo-woAR': { ...firstOrder, ...withoutResidual, attention: [] },
  'published-a2': published,
  'published-a5': { ...published, attention: fivePlaces },
  'published-woA': { ...published, attention: [] },
  'published-woR': publishedWithoutResidual,
  'published-woAR': { ...publishedWithoutResidual, attention: [] },
} as const satisfies Record<string, Omit<CUNetConfig, 'outChannels'>>;

export type PresetName = keyof typeof presets;

/** What sizes a network and leaves its structure. */
const sizes = ['inChannels', 'outChannels', 'channels', 'imageSize', 'trainTimesteps', 'groups', 'timeSize'] as const;
const structure = (config: object) =>
  JSON.stringify(Object.entries({ ...config, ...Object.fromEntries(sizes.map((name) => [name, undefined])) }).sort());

/** The preset that a network has the structure of, whatever its sizes; undefined where it is none's. */
export function presetOf(config: CUNetConfig): PresetName | undefined {
  const own = structure(config);
  return (Object.keys(presets) as PresetName[]).find((name) => structure({ ...presets[name] }) === own);
}
