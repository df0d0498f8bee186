import type { Generator } from '@missing-u/random';
import type { ActivationName } from '@missing-u/unet-blocks';
import type { Gradient, MethodName } from '@missing-u/ode-solvers';
import type { PresetName } from './presets.ts';

/** Where attention can stand: after the dynamic block of encoder level 1 to 4, of the bottom, of decoder level 1 to 4. */
export const attentionPlaces = ['e1', 'e2', 'e3', 'e4', 'b', 'd1', 'd2', 'd3', 'd4'] as const;

export type AttentionPlace = (typeof attentionPlaces)[number];

/** How gradients pass the dynamic blocks, by name. */
export const gradientNames = ['direct', 'checkpointed', 'adjoint', 'reversible'] as const;

export type GradientName = (typeof gradientNames)[number];

/** How the dynamic blocks are integrated from 0 to 1. */
export interface SolverOptions {
  /** Any method of `@missing-u/ode-solvers`; `rk4` is the 3/8 rule. */
  method: MethodName;
  /** Steps of a method with a fixed step. */
  steps: number;
  /** Tolerances of a method that chooses its steps. */
  rtol: number;
  atol: number;
}

/** Everything that makes one continuous U-Net differ from another, as JSON. */
export interface CUNetConfig {
  /** Channels of the images. */
  inChannels: number;
  /** Channels of the prediction; `2 * inChannels` where the variance is learned too. */
  outChannels: number;
  /** Channels of the state [x, v] on the first level; each of the four levels below has twice as many. */
  channels: number;
  /** Side of the images in training. The network takes any sides that 16 divides. */
  imageSize: number;
  /** Discrete diffusion steps: times are 0 to this less one. null takes any finite numbers (not with a time table). */
  trainTimesteps: number | null;
  /** `second`: (x, v)' = (v, a), the paper's equation 4. `first`: z' = f(z), the form of the first author's code. */
  order: 'first' | 'second';
  /** Side of the second filter of f. */
  secondKernel: 1 | 3;
  /** What is added to f's output: a convolution of the state, the state itself (first order only), or nothing. */
  residual: 'conv3x3' | 'conv1x1' | 'identity' | 'none';
  /** In f. The velocity network has instance normalisation in all forms. */
  norm: 'group' | 'instance';
  groups: number;
  activation: ActivationName;
  /** Whether the last convolution of f is activated, as in the paper's Figure 2, or linear (accelerations of both signs). */
  accelerationOutput: 'activated' | 'linear';
  /** Whether the last convolution of the lift's velocity network is activated or linear. */
  velocityOutput: 'activated' | 'linear';
  /** `lift`: x(0) from one convolution, v(0) = g(x(0)). `published`: one normalised stem for the whole state. */
  stem: 'lift' | 'published';
  /** `film`: scale and shift within f. `additive`: a network of its own per stage, added to the state. */
  timeConditioning: 'film' | 'additive' | 'none';
  /** `mlp`: two layers on the sinusoidal embedding. `table`: one frozen row of sinusoids per diffusion time. */
  timeEmbedding: 'mlp' | 'table';
  /** Size of the time embedding. */
  timeSize: number;
  /** Adds the integration time to the input of f's two convolutions, as a constant channel. */
  integrationTime: boolean;
  attention: readonly AttentionPlace[];
  attentionHeads: number;
  attentionHeadSize: number;
  /** Whether attention adds to the state or replaces it. */
  attentionResidual: boolean;
  solver: SolverOptions;
}

/** Options of `new CUNet`: a preset, and what shall differ from it. */
export interface CUNetOptions extends Partial<Omit<CUNetConfig, 'attention' | 'solver'>> {
  /** Default `cunet`. */
  preset?: PresetName;
  /** Places, or `a2` (e4, d1), `a5` (e2, e4, b, d1, d3), `none`. */
  attention?: 'a2' | 'a5' | 'none' | readonly AttentionPlace[];
  /** A method by name, or what shall differ from the preset's solver. */
  solver?: MethodName | Partial<SolverOptions>;
  /** How gradients pass the dynamic blocks; default `direct`. */
  gradient?: GradientName | Gradient;
  /** `none` gives shapes only, for counting or until `loadStateDict`; default `random`. */
  weights?: 'random' | 'none';
  /** First weights of the last convolution: `uniform` as all others (PyTorch's), or `zeros`, which predicts 0 at first; default `uniform`. */
  outputInitializer?: 'uniform' | 'zeros';
  /** Of the first weights; default 0. */
  seed?: number;
  /** Draws the first weights instead of a new generator with `seed`. */
  generator?: Generator;
}
