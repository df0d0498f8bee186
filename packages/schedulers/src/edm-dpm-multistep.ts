import { arithmeticOf } from './arithmetic/choose.ts';
import type { Coefficient } from './arithmetic/arithmetic.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { notStarted } from './discrete.ts';
import type { DpmSolverType } from './dpm-update.ts';
import { multistepCoefficients, pointOf } from './dpm-update.ts';
import { EDM_CHOICES, EDM_DEFAULTS, EdmScheduler, type EdmOptions } from './edm.ts';
import { checkOrder } from './lambda-scheduler.ts';
import { stepNoise } from './noise.ts';
import { mixed, thresholdOriginal, type ClipOptions } from './prediction.ts';
import type { Sample, Timestep } from './sample.ts';
import type { StepOptions, StepResult } from './scheduler.ts';

export interface EdmDpmOptions
  extends EdmOptions, Pick<ClipOptions, 'thresholding' | 'dynamicThresholdingRatio' | 'sampleMaxValue'> {
  solverOrder: number;
  algorithmType: 'dpmsolver++' | 'sde-dpmsolver++';
  solverType: DpmSolverType;
  lowerOrderFinal: boolean;
  eulerAtFinal: boolean;
}

const DEFINITION: Definition<EdmDpmOptions> = {
  name: 'EDMDPMSolverMultistepScheduler',
  defaults: {
    ...EDM_DEFAULTS,
    solverOrder: 2,
    thresholding: false,
    dynamicThresholdingRatio: 0.995,
    sampleMaxValue: 1,
    algorithmType: 'dpmsolver++',
    solverType: 'midpoint',
    lowerOrderFinal: true,
    eulerAtFinal: false,
  },
  choices: { ...EDM_CHOICES, algorithmType: ['dpmsolver++', 'sde-dpmsolver++'], solverType: ['midpoint', 'heun'] },
  aliases: {
    algorithmType: { deis: 'dpmsolver++' },
    solverType: { logrho: 'midpoint', bh1: 'midpoint', bh2: 'midpoint' },
  },
};

/** DPM-Solver++ (2M and 3M) for networks with EDM's preconditioning: α = 1, so that λ = -log σ. */
export class EDMDPMSolverMultistepScheduler extends EdmScheduler<EdmDpmOptions> {
  constructor(options: Partial<EdmDpmOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    checkOrder('solverOrder', this.options.solverOrder, 3);
    this.setTimesteps(this.options.numTrainTimesteps);
    this.numInferenceSteps = null;
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    if (this.numInferenceSteps === null) throw notStarted('EDMDPMSolverMultistepScheduler');
    const ops = arithmeticOf(sample, options.shape);
    const position = this.position(t);
    const { algorithmType, solverType, solverOrder, thresholding } = this.options;
    const result = ops.scope(() => {
      const estimate = mixed(ops, this.denoisedMix(this.sigmas[position]!), sample, modelOutput);
      const predOriginalSample = thresholding ? thresholdOriginal(ops, estimate, this.options) : estimate;
      const noise = algorithmType === 'sde-dpmsolver++' ? stepNoise(ops, options) : undefined;
      this.history.push(ops, predOriginalSample, solverOrder);
      const order = this.#orderAt(position);
      const points = Array.from({ length: order + 1 }, (_, back) => pointOf(1, this.sigmas[position + 1 - back]!));
      const coefficients = multistepCoefficients(points, algorithmType, solverType);
      const terms: [Coefficient, A][] = [[coefficients.sample, sample]];
      coefficients.outputs.forEach((coefficient, back) => terms.push([coefficient, this.history.at<A>(back)]));
      if (noise !== undefined) terms.push([coefficients.noise, noise]);
      return { prevSample: ops.combine(...terms), predOriginalSample };
    });
    this.finish(position);
    return result;
  }

  protected override leastSigma(): number {
    return this.options.sigmaMin;
  }

  #orderAt(position: number): number {
    const { lowerOrderFinal, eulerAtFinal, finalSigmasType } = this.options;
    const count = this.timesteps.length;
    const isFew = lowerOrderFinal && count < 15;
    if (position === count - 1 && (eulerAtFinal || isFew || finalSigmasType === 'zero')) return 1;
    return position === count - 2 && isFew ? Math.min(this.history.length, 2) : this.history.length;
  }
}
