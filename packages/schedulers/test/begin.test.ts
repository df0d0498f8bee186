import { expect, it } from 'vitest';
import {
  DPMSolverMultistepScheduler,
  EulerDiscreteScheduler,
  HeunDiscreteScheduler,
  IPNDMScheduler,
  type StepResult,
} from '../src/index.ts';

/** A loop from an index of the timesteps on, from noised data. */
function loopFrom(
  scheduler: DPMSolverMultistepScheduler | HeunDiscreteScheduler | EulerDiscreteScheduler,
  begin: number,
): { noised: Float64Array; end: Float64Array } {
  scheduler.setBeginIndex(begin);
  const times = scheduler.timesteps.subarray(begin);
  const noised = scheduler.addNoise(Float64Array.of(0.3, -0.2, 0.8), Float64Array.of(1, -0.5, 0.25), times[0]!);
  let end: Float64Array = noised;
  for (const t of times) {
    const seen = scheduler.scaleModelInput(end, t);
    const result: StepResult<Float64Array> = scheduler.step(
      seen.map((one) => 0.5 * one),
      t,
      end,
    );
    end = result.prevSample;
  }
  return { noised, end };
}

const latent = { betaStart: 0.00085, betaEnd: 0.012, betaSchedule: 'scaled_linear' } as const;

it('begins at a timestep that is listed twice', () => {
  const scheduler = new DPMSolverMultistepScheduler({ ...latent, useKarrasSigmas: true });
  scheduler.setTimesteps(50);
  expect([...scheduler.timesteps.subarray(47)]).toEqual([1, 1, 0]);
  // diffusers 0.42.1 in float64: set_begin_index(47), add_noise and the loop of steps, the model being 0.5 x.
  const { noised, end } = loopFrom(scheduler, 47);
  expect(noised).toBeAllClose([0.3430692153508608, -0.221487602313851, 0.8100857260948138], { rtol: 1e-12 });
  expect(end).toBeAllClose([0.3359877109838534, -0.21691573939860964, 0.7933642443928663], { rtol: 1e-12 });
});

it('begins anywhere, with levels that lie so close that most timesteps are equal', () => {
  const scheduler = new DPMSolverMultistepScheduler({ ...latent, useBetaSigmas: true });
  for (let begin = 0; begin < 50; begin++) {
    scheduler.setTimesteps(50);
    expect(loopFrom(scheduler, begin).end.every(Number.isFinite)).toBe(true);
  }
});

it('begins where the loop without an index does, where timesteps tell', () => {
  for (const [scheduler, begin] of [
    [new EulerDiscreteScheduler(), 3],
    [new HeunDiscreteScheduler(), 6],
  ] as const) {
    scheduler.setTimesteps(7);
    const { end } = loopFrom(scheduler, begin);
    scheduler.reset();
    let x = scheduler.addNoise(
      Float64Array.of(0.3, -0.2, 0.8),
      Float64Array.of(1, -0.5, 0.25),
      scheduler.timesteps[begin]!,
    );
    for (const t of scheduler.timesteps.subarray(begin)) {
      const output = scheduler.scaleModelInput(x, t).map((one) => 0.5 * one);
      x = scheduler.step(output, t, x).prevSample;
    }
    expect(x).toEqual(end);
  }
});

it('refuses an index that is no place', () => {
  const scheduler = new EulerDiscreteScheduler();
  scheduler.setTimesteps(5);
  for (const index of [-1, 5, 1.5, NaN]) expect(() => scheduler.setBeginIndex(index)).toThrow(/from 0 to 4/);
});

it('begins with iPNDM on data noised at a listed timestep, which the model of v takes back', () => {
  const scheduler = new IPNDMScheduler();
  scheduler.setTimesteps(10);
  const [data, noise] = [Float64Array.of(0.3, -0.2, 0.8), Float64Array.of(1, -0.5, 0.25)];
  const t = scheduler.timesteps[4]!;
  const x = scheduler.addNoise(data, noise, t);
  const angle = (t * Math.PI) / 2;
  expect(x).toBeAllClose(
    data.map((one, i) => Math.cos(angle) * one + Math.sin(angle) * noise[i]!),
    { rtol: 1e-12 },
  );
  // v = α ε - σ x0
  const velocity = data.map((one, i) => Math.cos(angle) * noise[i]! - Math.sin(angle) * one);
  expect(scheduler.step(velocity, t, x).predOriginalSample).toBeAllClose(data, { rtol: 1e-12 });
});
