import { refuse } from '../errors.ts';
import { rounding, type Precision } from '../precision.ts';
import { cumulativeProduct, torchLinspace } from './numeric.ts';

/** Names of noise schedules, as diffusers writes them, and lucidrains' sigmoid. */
export const BETA_SCHEDULES = [
  'linear',
  'scaled_linear',
  'squaredcos_cap_v2',
  'sigmoid',
  'laplace',
  'exp',
  'sigmoid_alpha_bar',
] as const;
export type BetaSchedule = (typeof BETA_SCHEDULES)[number];

/** What fixes the variances β of a discrete forward process. */
export interface BetaOptions {
  /** Length T of the chain the model was trained on. */
  numTrainTimesteps: number;
  betaStart: number;
  betaEnd: number;
  betaSchedule: BetaSchedule;
  /** The T variances themselves, in place of a schedule. */
  trainedBetas: ArrayLike<number> | null;
  /** Rescale so that the last step holds no signal (Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2023). */
  rescaleBetasZeroSnr: boolean;
  precision: Precision;
}

/** β, α = 1 - β and ᾱ = Π α, each of length T. */
export interface NoiseTables {
  readonly betas: Float64Array;
  readonly alphas: Float64Array;
  readonly alphasCumprod: Float64Array;
}

/** The tables of a forward process. */
export function noiseTables(options: BetaOptions): NoiseTables {
  const { precision, trainedBetas } = options;
  const round = rounding(precision);
  const given = trainedBetas === null ? scheduledBetas(options) : Float64Array.from(trainedBetas).map(round);
  checkBetas(given, trainedBetas === null ? 'betaStart and betaEnd' : 'trainedBetas');
  const betas = options.rescaleBetasZeroSnr ? rescaleZeroTerminalSnr(given, precision) : given;
  const alphas = betas.map((beta) => round(1 - beta));
  return { betas, alphas, alphasCumprod: cumulativeProduct(alphas, precision) };
}

type ScheduleArguments = Pick<
  BetaOptions,
  'numTrainTimesteps' | 'betaStart' | 'betaEnd' | 'betaSchedule' | 'precision'
>;

function scheduledBetas({ betaSchedule, numTrainTimesteps, betaStart, betaEnd, precision }: ScheduleArguments) {
  switch (betaSchedule) {
    case 'linear':
      return linearBetas(numTrainTimesteps, betaStart, betaEnd, precision);
    case 'scaled_linear':
      return scaledLinearBetas(numTrainTimesteps, betaStart, betaEnd, precision);
    case 'sigmoid':
      return sigmoidBetas(numTrainTimesteps, betaStart, betaEnd, precision);
    case 'squaredcos_cap_v2':
      return betasForAlphaBar(numTrainTimesteps, cosineAlphaBar, precision);
    case 'laplace':
      return betasForAlphaBar(numTrainTimesteps, laplaceAlphaBar, precision);
    case 'exp':
      return betasForAlphaBar(numTrainTimesteps, (time) => Math.exp(-12 * time), precision);
    case 'sigmoid_alpha_bar':
      return betasForAlphaBar(numTrainTimesteps, sigmoidAlphaBar(), precision);
  }
}

/** Ho et al., "Denoising Diffusion Probabilistic Models" (2020), section 4. */
export function linearBetas(count: number, start = 1e-4, end = 0.02, precision: Precision = 'float64'): Float64Array {
  return torchLinspace(start, end, count, precision);
}

/** Linear in √β (Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", 2022). */
export function scaledLinearBetas(
  count: number,
  start = 0.00085,
  end = 0.012,
  precision: Precision = 'float64',
): Float64Array {
  const round = rounding(precision);
  return torchLinspace(start ** 0.5, end ** 0.5, count, precision).map((root) => round(root ** 2));
}

/** β itself follows a sigmoid over -6 .. 6 (diffusers' `sigmoid`, after GeoDiff). */
export function sigmoidBetas(count: number, start = 1e-4, end = 0.02, precision: Precision = 'float64'): Float64Array {
  const round = rounding(precision);
  const logits = torchLinspace(-6, 6, count, precision);
  return logits.map((x) => round(round(round(1 / (1 + Math.exp(-x))) * round(end - start)) + round(start)));
}

/** β_i = min(1 - ᾱ((i+1)/T) / ᾱ(i/T), 0.999) for a function ᾱ on [0, 1]. */
export function betasForAlphaBar(
  count: number,
  alphaBar: (time: number) => number,
  precision: Precision = 'float64',
  maxBeta = 0.999,
): Float64Array {
  const round = rounding(precision);
  return Float64Array.from({ length: count }, (_, i) =>
    round(Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), maxBeta)),
  );
}

/** Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models" (2021), equation 17, with offset 0.008. */
export function cosineAlphaBar(time: number): number {
  return Math.cos((((time + 0.008) / 1.008) * Math.PI) / 2) ** 2;
}

/** Hang et al., "Improved Noise Schedule for Diffusion Training" (2024), as diffusers has it. */
export function laplaceAlphaBar(time: number): number {
  const sign = 0.5 - time < 0 || Object.is(0.5 - time, -0) ? -1 : 1;
  const snr = Math.exp(-0.5 * sign * Math.log(1 - 2 * Math.abs(0.5 - time) + 1e-6));
  return Math.sqrt(snr / (1 + snr));
}

/** Jabri et al., "Scalable Adaptive Computation for Iterative Generation" (2022), with lucidrains' defaults. */
export function sigmoidAlphaBar(start = -3, end = 3, tau = 1): (time: number) => number {
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const [first, last] = [sigmoid(start / tau), sigmoid(end / tau)];
  return (time) => (last - sigmoid((time * (end - start) + start) / tau)) / (last - first);
}

/** Shifts and scales √ᾱ so that its last entry is 0 and its first stays (Lin et al. 2023, algorithm 1). */
export function rescaleZeroTerminalSnr(betas: Float64Array, precision: Precision = 'float64'): Float64Array {
  const round = rounding(precision);
  const products = cumulativeProduct(
    betas.map((beta) => round(1 - beta)),
    precision,
  );
  const roots = products.map((product) => round(Math.sqrt(product)));
  const [first, last] = [roots[0]!, roots.at(-1)!];
  const scale = round(first / round(first - last));
  const rescaled = roots.map((root) => round(round(round(root - last) * scale) ** 2));
  return rescaled.map((product, i) => round(1 - (i === 0 ? product : round(product / rescaled[i - 1]!))));
}

function checkBetas(betas: Float64Array, argument: string): void {
  const bad = betas.findIndex((beta) => !(beta > 0 && beta <= 1));
  if (bad === -1 && betas.length > 0) return;
  const allowed = 'such that every variance β lies in (0, 1]';
  refuse({ argument, value: betas[bad], allowed, remedy: `β at timestep ${bad} does not` });
}
