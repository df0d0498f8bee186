import type { SchedulerConfig } from './config.ts';
import { DDPM_DEFINITION, DDPMScheduler, type DDPMOptions } from './ddpm.ts';
import { DISCRETE_CHOICES } from './discrete.ts';
import { roundHalfEven } from './schedules/numeric.ts';
import { checkStepCount, type TimestepRequest } from './timestep-request.ts';

/**
 * DDPM as unCLIP uses it (Ramesh et al., "Hierarchical Text-Conditional Image Generation with CLIP Latents", 2022): the
 * cosine schedule, and timesteps spread evenly from the last to the first.
 */
export class UnCLIPScheduler extends DDPMScheduler {
  constructor(options: Partial<DDPMOptions> | SchedulerConfig = {}) {
    super(options, {
      name: 'UnCLIPScheduler',
      defaults: { ...DDPM_DEFINITION.defaults, betaSchedule: 'squaredcos_cap_v2', varianceType: 'fixed_small_log' },
      choices: {
        ...DISCRETE_CHOICES,
        betaSchedule: ['squaredcos_cap_v2'],
        predictionType: ['epsilon', 'sample'],
        varianceType: ['fixed_small_log', 'learned_range'],
      },
      hidden: [
        'betaStart',
        'betaEnd',
        'trainedBetas',
        'rescaleBetasZeroSnr',
        'timestepSpacing',
        'stepsOffset',
        'thresholding',
        'dynamicThresholdingRatio',
        'sampleMaxValue',
      ],
    });
  }

  override setTimesteps(request: TimestepRequest): void {
    super.setTimesteps(request);
    if (typeof request !== 'number') return;
    const { numTrainTimesteps } = this.options;
    const ratio = (numTrainTimesteps - 1) / (checkStepCount(request, numTrainTimesteps) - 1 || 1);
    this.timesteps = Float64Array.from({ length: request }, (_, i) => roundHalfEven(i * ratio)).reverse();
  }

  /** Between neighbours β is read from its table, which in float32 has more digits than a quotient of ᾱ. */
  protected override transition(t: number, before: number): { alpha: number; beta: number } {
    if (before !== t - 1) return super.transition(t, before);
    return { alpha: this.alphas[t]!, beta: this.betas[t]! };
  }
}
