import type { Definition, SchedulerConfig } from './config.ts';
import { DPM_CHOICES, DPM_DEFAULTS, DPMSolverMultistepScheduler, type DpmMultistepOptions } from './dpm-multistep.ts';
import { linspace, roundHalfEven } from './schedules/numeric.ts';
import { withFinal } from './lambda-scheduler.ts';
import { namedSigmas, type Levels } from './sigma-scheduler.ts';
import type { TimestepRequest } from './timestep-request.ts';

const DEFINITION: Definition<DpmMultistepOptions> = {
  name: 'DPMSolverMultistepInverseScheduler',
  defaults: { ...DPM_DEFAULTS, finalSigmasType: 'sigma_min', eulerAtFinal: false, useLuLambdas: false },
  // Noise that a step down adds has no counterpart on the way up.
  choices: { ...DPM_CHOICES, algorithmType: ['dpmsolver', 'dpmsolver++'] },
  hidden: ['finalSigmasType', 'useLuLambdas', 'rescaleBetasZeroSnr', 'useDynamicShifting', 'timeShiftType'],
  aliases: {
    algorithmType: { deis: 'dpmsolver++' },
    solverType: { logrho: 'midpoint', bh1: 'midpoint', bh2: 'midpoint' },
  },
};

/** DPM-Solver++ from a picture to its noise: the multistep solver with the levels in rising order. */
export class DPMSolverMultistepInverseScheduler extends DPMSolverMultistepScheduler {
  constructor(options: Partial<DpmMultistepOptions> | SchedulerConfig = {}) {
    super(options, DEFINITION);
    this.timesteps.reverse();
  }

  protected override levels(request: TimestepRequest): Levels {
    const count = this.countOf(request);
    const { useFlowSigmas, useKarrasSigmas, lambdaMinClipped } = this.options;
    // The solver's named levels fall from the last of a rising table to its first: here they rise.
    const range = { sigmaMin: this.trainedSigmas.at(-1)!, sigmaMax: this.trainedSigmas[0]! };
    const sigmas =
      namedSigmas(count, range, this.options) ?? (useFlowSigmas ? this.flowLevels(count).sigmas : undefined);
    if (sigmas !== undefined) {
      const total = this.options.numTrainTimesteps;
      const named =
        useFlowSigmas && !this.#isNamed()
          ? sigmas.map((sigma) => sigma * total)
          : sigmas.map((s) => this.timestepOf(s));
      const timesteps = useKarrasSigmas ? named.map(roundHalfEven) : named;
      return withFinal({ timesteps: unique(timesteps), sigmas }, sigmas.at(-1)!);
    }
    const noisiest = this.clippedTimesteps(lambdaMinClipped) - 1;
    const timesteps = this.#risingTimesteps(count, noisiest);
    return withFinal({ timesteps: unique(timesteps), sigmas: this.sigmasAt(timesteps) }, this.trainedSigmas[noisiest]!);
  }

  #isNamed(): boolean {
    const { useKarrasSigmas, useExponentialSigmas, useBetaSigmas } = this.options;
    return useKarrasSigmas || useExponentialSigmas || useBetaSigmas;
  }

  #risingTimesteps(count: number, noisiest: number): Float64Array {
    const { timestepSpacing, stepsOffset } = this.options;
    switch (timestepSpacing) {
      case 'linspace':
        return linspace(0, noisiest, count + 1)
          .map(roundHalfEven)
          .subarray(0, count);
      case 'leading': {
        const ratio = Math.floor((noisiest + 1) / (count + 1));
        return Float64Array.from({ length: count }, (_, i) => i * ratio + stepsOffset);
      }
      case 'trailing':
        return this.outerTimesteps(count, noisiest + 1).toReversed();
    }
  }
}

/** Each timestep once, in order of appearance. */
function unique(timesteps: Float64Array): Float64Array {
  return Float64Array.from(new Set(timesteps));
}
