import { arithmeticOf } from './arithmetic/choose.ts';
import type { Definition, SchedulerConfig } from './config.ts';
import { refuse } from './errors.ts';
import { FLOW_DEFAULTS, FlowScheduler, shifted, type FlowOptions } from './flow-match.ts';
import { stepNoise } from './noise.ts';
import type { Sample, Timestep } from './sample.ts';
import { type StepOptions, type StepResult } from './scheduler.ts';
import { checkOneSchedule, namedSigmas } from './sigma-scheduler.ts';
import { checkAnyRequest, checkFalling, checkStepCount, type TimestepRequest } from './timestep-request.ts';

export interface FlowMatchEulerOptions extends FlowOptions {
  /** The shift depends on the picture: `mu` is given to `setTimesteps`. */
  useDynamicShifting: boolean;
  baseShift: number | null;
  maxShift: number | null;
  baseImageSeqLen: number;
  maxImageSeqLen: number;
  /** Levels 1 - σ, for models that count the other way (Mochi). */
  invertSigmas: boolean;
  /** The last level is stretched to this one. */
  shiftTerminal: number | null;
  useKarrasSigmas: boolean;
  useExponentialSigmas: boolean;
  useBetaSigmas: boolean;
  timeShiftType: 'exponential' | 'linear';
  /** To x0, and fresh noise to the next level, at every step. */
  stochasticSampling: boolean;
}

const DEFINITION: Definition<FlowMatchEulerOptions> = {
  name: 'FlowMatchEulerDiscreteScheduler',
  defaults: {
    ...FLOW_DEFAULTS,
    useDynamicShifting: false,
    baseShift: 0.5,
    maxShift: 1.15,
    baseImageSeqLen: 256,
    maxImageSeqLen: 4096,
    invertSigmas: false,
    shiftTerminal: null,
    useKarrasSigmas: false,
    useExponentialSigmas: false,
    useBetaSigmas: false,
    timeShiftType: 'exponential',
    stochasticSampling: false,
  },
  choices: { precision: ['float64', 'float32'], timeShiftType: ['exponential', 'linear'] },
};

/** Euler's method on a straight flow (Esser et al., "Scaling Rectified Flow Transformers", 2024). */
export class FlowMatchEulerDiscreteScheduler extends FlowScheduler<FlowMatchEulerOptions> {
  constructor(options: Partial<FlowMatchEulerOptions> | SchedulerConfig = {}) {
    super(DEFINITION, options);
    checkOneSchedule(this.options);
  }

  /** A number of steps, or levels or timesteps before shifting. */
  setTimesteps(request: TimestepRequest, { mu }: { mu?: number } = {}): void {
    checkAnyRequest(request);
    const { round } = this;
    const {
      numTrainTimesteps: total,
      shift,
      useDynamicShifting,
      shiftTerminal,
      invertSigmas,
      timeShiftType,
    } = this.options;
    if (useDynamicShifting && mu === undefined) {
      refuse({ argument: 'mu', value: mu, allowed: 'a number where useDynamicShifting is on' });
    }
    const factor = useDynamicShifting ? (timeShiftType === 'exponential' ? Math.exp(mu!) : mu!) : shift;
    const stretched = this.#stretched(
      this.#plain(request).map((sigma) => shifted(sigma, factor)),
      shiftTerminal,
    );
    const range = { sigmaMin: stretched.at(-1)!, sigmaMax: stretched[0]! };
    const levels = (namedSigmas(stretched.length, range, this.options) ?? stretched).map(round);
    const sigmas = invertSigmas ? levels.map((sigma) => round(1 - sigma)) : levels;
    const isGiven = typeof request === 'object' && 'timesteps' in request && !invertSigmas;
    this.timesteps = isGiven
      ? Float64Array.from(request.timesteps, round)
      : sigmas.map((sigma) => round(sigma * total));
    this.sigmas = Float64Array.of(...sigmas, invertSigmas ? 1 : 0);
    this.reset();
  }

  step<A extends Sample>(modelOutput: A, t: Timestep, sample: A, options: StepOptions<A> = {}): StepResult<A> {
    const ops = arithmeticOf(sample, options.shape);
    const result = ops.scope(() => {
      const at = this.perPosition(t, (position) => {
        const [sigma, next] = [this.sigmas[position]!, this.sigmas[position + 1]!];
        return { sigma: -sigma, step: next - sigma, next, signal: 1 - next };
      });
      const predOriginalSample = ops.combine([1, sample], [at.sigma, modelOutput]);
      const prevSample = this.options.stochasticSampling
        ? ops.combine([at.signal, predOriginalSample], [at.next, stepNoise(ops, options)])
        : ops.combine([1, sample], [at.step, modelOutput]);
      return { prevSample, predOriginalSample };
    });
    this.follow(t);
    return result;
  }

  #plain(request: TimestepRequest): Float64Array {
    const { numTrainTimesteps: total } = this.options;
    if (typeof request === 'number') return this.evenSigmas(checkStepCount(request));
    if (!('sigmas' in request)) {
      return checkFalling('timesteps', request.timesteps, total).map((t) => this.round(this.round(t) / total));
    }
    if ('timesteps' in request) checkNames(request.timesteps as ArrayLike<number>, request.sigmas.length);
    return checkFalling('sigmas', request.sigmas, 1).map(this.round);
  }

  #stretched(sigmas: Float64Array, terminal: number | null): Float64Array {
    if (terminal === null) return sigmas;
    const scale = (1 - sigmas.at(-1)!) / (1 - terminal);
    return sigmas.map((sigma) => 1 - (1 - sigma) / scale);
  }
}

/** Timesteps beside levels of one's own: what the model is to call them, one for each. */
function checkNames(timesteps: ArrayLike<number>, count: number): void {
  if (checkFalling('timesteps', timesteps).length === count) return;
  refuse({ argument: 'timesteps', value: timesteps, allowed: `a list of ${count}, one for each of \`sigmas\`` });
}
