import type { Generator } from '@missing-u/random';
import type { Arithmetic } from './arithmetic/arithmetic.ts';
import { SchedulerError, refuse } from './errors.ts';
import type { Sample } from './sample.ts';
import type { StepOptions } from './scheduler.ts';

/** The noise of one step: what was given, or drawn from the generator or generators that were. */
export function stepNoise<A extends Sample>(
  arithmetic: Arithmetic<A>,
  { noise, generator }: Pick<StepOptions<A>, 'noise' | 'generator'>,
): A {
  if (noise !== undefined && generator !== undefined) {
    throw new SchedulerError('SCHEDULER_INVALID_ARGUMENT', 'Both `noise` and `generator` are given: give one of them.');
  }
  if (noise !== undefined) return noise;
  if (generator === undefined) {
    const message =
      'This step adds noise: give it as `noise`, or a `generator` to draw it from (createGenerator(seed)).';
    throw new SchedulerError('SCHEDULER_NO_NOISE', message);
  }
  return arithmetic.from(drawNoise(arithmetic.shape, generator));
}

/** Standard normal float32 numbers of a shape, from one generator, or from one per item of the first axis. */
export function drawNoise(shape: readonly number[], generator: Generator | readonly Generator[]): Float32Array {
  const values = new Float32Array(shape.reduce((product, side) => product * side, 1));
  for (const one of isList(generator) ? generator : [generator]) checkGenerator(one);
  if (!isList(generator)) return generator.fillNormal(values);
  if (generator.length !== shape[0]) {
    const allowed = `one generator, or a list of ${shape[0]}, one per batch item`;
    refuse({ argument: 'generator', value: `a list of ${generator.length}`, allowed });
  }
  const stride = values.length / generator.length;
  generator.forEach((one, item) => one.fillNormal(values.subarray(item * stride, (item + 1) * stride)));
  return values;
}

/** Seeds are none: each step would draw the same noise. */
function checkGenerator(value: Partial<Generator> | null): void {
  if (typeof value?.fillNormal === 'function') return;
  refuse({ argument: 'generator', value, allowed: 'a generator: createGenerator(seed) of @missing-u/random' });
}

function isList(generator: Generator | readonly Generator[]): generator is readonly Generator[] {
  return Array.isArray(generator);
}
