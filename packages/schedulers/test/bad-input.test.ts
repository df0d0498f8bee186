import { describe, expect, it } from 'vitest';
import {
  DDIMScheduler,
  DDPMScheduler,
  DPMSolverMultistepScheduler,
  DPMSolverSinglestepScheduler,
  EDMDPMSolverMultistepScheduler,
  EDMEulerScheduler,
  EulerDiscreteScheduler,
  FlowMatchEulerDiscreteScheduler,
  HeunDiscreteScheduler,
  IPNDMScheduler,
  LCMScheduler,
  LMSDiscreteScheduler,
  PNDMScheduler,
  RePaintScheduler,
  SCHEDULERS,
  ScoreSdeVeScheduler,
  SchedulerError,
  TCDScheduler,
  UniPCMultistepScheduler,
  createGenerator,
} from '../src/index.ts';

const x = () => Float64Array.of(0.1, 0.2, 0.3);

describe('betas', () => {
  it.each([[[0.1, NaN]], [[0.1, Infinity]], [[0, 0.1]], [[0.1, 1.5]], [[-0.1, 0.2]], [[]]])(
    'refuses %j',
    (trainedBetas) => {
      expect(() => new DDPMScheduler({ trainedBetas })).toThrow(/\(0, 1\]/);
    },
  );
  it.each([[[0.1, NaN, 2]], [[0.5, 0, 0.1]], [[1.5, 0]], [[-0.1, 0]], [[0.5]], [[]]])(
    'refuses %j as levels of iPNDM',
    (trainedBetas) => {
      expect(() => new IPNDMScheduler({ trainedBetas })).toThrow(/\(0, 1\]/);
    },
  );
  it('takes an end of 0 for iPNDM', () => {
    expect([...new IPNDMScheduler({ trainedBetas: [1, 0.5, 0] }).timesteps]).toBeAllClose([1, 1 / 3], { rtol: 1e-12 });
  });
  it('refuses bounds outside (0, 1]', () => {
    expect(() => new DDPMScheduler({ betaEnd: 2 })).toThrow(/\(0, 1\]/);
    expect(() => new DDPMScheduler({ betaStart: NaN })).toThrow(/betaStart/);
  });
});

describe('timesteps', () => {
  const scheduler = new DDPMScheduler();
  it.each([0, -1, 1001, 2.5, NaN])('refuses %d steps', (count) => {
    expect(() => scheduler.setTimesteps(count)).toThrow(/from 1 to 1000/);
  });
  it.each([[[100, 87, 50, 51, 0]], [[1000]], [[]], [[5, 5]], [[3, -1]]])('refuses the list %j', (timesteps) => {
    expect(() => scheduler.setTimesteps({ timesteps })).toThrow(/descending/);
  });
  it('refuses a count and a list together', () => {
    expect(() => scheduler.setTimesteps({ timesteps: [5], sigmas: [1] })).toThrow(/timesteps and sigmas/);
    expect(() => scheduler.setTimesteps({} as never)).toThrow(/either/);
    expect(() => new EulerDiscreteScheduler({ useKarrasSigmas: true }).setTimesteps({ timesteps: [5] })).toThrow(
      /useKarrasSigmas/,
    );
    expect(() => new DPMSolverMultistepScheduler({ useLuLambdas: true }).setTimesteps({ timesteps: [5] })).toThrow(
      /useLuLambdas/,
    );
    expect(() => new EulerDiscreteScheduler({ useKarrasSigmas: true, useBetaSigmas: true })).toThrow(/useKarrasSigmas/);
  });
});

describe.each(Object.entries(SCHEDULERS))('setTimesteps of %s', (_, make) => {
  const set = (request: unknown) => () =>
    (new make() as { setTimesteps(request: unknown): void }).setTimesteps(request);
  it.each([
    [undefined, /given undefined/],
    [null, /given null/],
    ['10', /given '10'/],
    [{}, /nothing in it/],
    [{ timesteps: null }, /an object with timesteps/],
    [{ steps: [5] }, /an object with steps/],
  ])('refuses %o', (request, message) => {
    expect(set(request)).toThrow(message);
    expect(set(request)).toThrow(SchedulerError);
  });
});

describe('chosen levels', () => {
  const wrong = [[], [1, 2], [1, 1], [NaN, 0.5], [0.5, -0.1]].map((list) => [list]);
  it.each(wrong)('%j are refused', (list) => {
    const flow = new FlowMatchEulerDiscreteScheduler();
    expect(() => flow.setTimesteps({ sigmas: list })).toThrow(/descending/);
    expect(() => flow.setTimesteps({ timesteps: list })).toThrow(/descending/);
    for (const make of [EDMEulerScheduler, EDMDPMSolverMultistepScheduler]) {
      expect(() => new make().setTimesteps({ sigmas: list })).toThrow(/descending/);
    }
    const unipc = new UniPCMultistepScheduler({ useFlowSigmas: true, predictionType: 'flow_prediction' });
    expect(() => unipc.setTimesteps({ sigmas: list })).toThrow(/descending/);
  });

  it('of flows are refused beyond the chain', () => {
    const flow = new FlowMatchEulerDiscreteScheduler();
    expect(() => flow.setTimesteps({ timesteps: [5000, 1] })).toThrow(/from 0 to 1000/);
    expect(() => flow.setTimesteps({ sigmas: [1.5, 1] })).toThrow(/from 0 to 1/);
    expect(() => new EDMEulerScheduler().setTimesteps({ sigmas: [2, 0] })).toThrow(/leave out the 0/);
  });

  it('of flows may come with names of their own, as diffusers allows, one for each', () => {
    const flow = new FlowMatchEulerDiscreteScheduler();
    flow.setTimesteps({ timesteps: [7, 3], sigmas: [1, 0.5] });
    expect([...flow.timesteps, ...flow.sigmas]).toEqual([7, 3, 1, 0.5, 0]);
    expect(() => flow.setTimesteps({ timesteps: [7], sigmas: [1, 0.5] })).toThrow(/a list of 2/);
  });

  it('and timesteps together are refused elsewhere', () => {
    for (const make of [DPMSolverMultistepScheduler, DPMSolverSinglestepScheduler, LCMScheduler, TCDScheduler]) {
      expect(() => new make().setTimesteps({ timesteps: [5], sigmas: [1] })).toThrow(/timesteps and sigmas/);
    }
  });

  it('leave no choice of timesteps', () => {
    for (const make of [DPMSolverMultistepScheduler, DPMSolverSinglestepScheduler]) {
      for (const key of ['useKarrasSigmas', 'useExponentialSigmas', 'useBetaSigmas', 'useFlowSigmas'] as const) {
        expect(() => new make({ [key]: true }).setTimesteps({ timesteps: [900, 500, 100] })).toThrow(key);
      }
    }
  });
});

describe('steps', () => {
  it('needs setTimesteps first', () => {
    for (const make of [DDIMScheduler, PNDMScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler] as const) {
      expect(() => new make().step(x(), 999, x())).toThrow(/setTimesteps/);
    }
  });

  it.each([DPMSolverMultistepScheduler, UniPCMultistepScheduler, LMSDiscreteScheduler, HeunDiscreteScheduler])(
    'refuses to go on after the last, or out of order',
    (make) => {
      const scheduler = new make();
      scheduler.setTimesteps(3);
      const [first] = scheduler.timesteps;
      scheduler.step(x(), first!, x());
      expect(() => scheduler.step(x(), first!, x())).toThrow(/reset\(\)/);
      for (const t of scheduler.timesteps.subarray(1)) scheduler.step(x(), t, x());
      expect(() => scheduler.step(x(), first!, x())).toThrow(/after the last/);
      scheduler.reset();
      expect(() => scheduler.step(x(), first!, x())).not.toThrow();
    },
  );

  it('says that PNDM is finished after its last step', () => {
    const scheduler = new PNDMScheduler();
    scheduler.setTimesteps(4);
    for (const t of scheduler.timesteps) scheduler.step(x(), t, x());
    expect(() => scheduler.step(x(), scheduler.timesteps.at(-1)!, x())).toThrow(/after the last/);
  });

  it('refuses timesteps that are not there', () => {
    expect(() => new DDPMScheduler().step(x(), 1000, x())).toThrow(/0 to 999/);
    expect(() => new DDPMScheduler().step(x(), -1, x())).toThrow(/0 to 999/);
    const euler = new EulerDiscreteScheduler();
    euler.setTimesteps(5);
    expect(() => euler.step(x(), 3, x())).toThrow(/one of `timesteps`/);
    const multistep = new LMSDiscreteScheduler();
    multistep.setTimesteps(5);
    expect(() => multistep.step(x(), [999, 749.25], x())).toThrow(/one timestep for the whole batch/);
  });

  it('refuses shapes that differ, and a variance that nobody learned', () => {
    const noise = x();
    expect(() => new DDPMScheduler().step(new Float64Array(2), 5, x(), { noise })).toThrow(/3 numbers/);
    expect(() => new DDPMScheduler().step(x(), 5, x(), { noise: new Float64Array(4) })).toThrow(/3 numbers/);
    expect(() => new DDPMScheduler().step(new Float64Array(6), 5, x(), { noise })).toThrow(/varianceType/);
    expect(() => new DDPMScheduler().step(x(), 5, x(), { noise, shape: [2, 2] })).toThrow(/shape/);
    expect(() => new DDPMScheduler().step([1, 2] as never, 5, [1, 2] as never)).toThrow(/Float32Array/);
  });

  it('wants noise where noise is added', () => {
    expect(() => new DDPMScheduler().step(x(), 5, x())).toThrow(/generator/);
    expect(() => new DDPMScheduler().step(x(), 0, x())).not.toThrow();
    const both = { noise: x(), generator: createGenerator(0) };
    expect(() => new DDPMScheduler().step(x(), 5, x(), both)).toThrow(/one of them/);
    const three = [createGenerator(0), createGenerator(1), createGenerator(2)];
    expect(() => new DDPMScheduler().step(x(), 5, x(), { generator: three, shape: [1, 3] })).toThrow(
      /one per batch item/,
    );
    for (const generator of [3, { seed: 3 }, [createGenerator(0), 3, 4]]) {
      const step = () => new DDPMScheduler().step(x(), 5, x(), { generator: generator as never, shape: [3, 1] });
      expect(step).toThrow(/`generator` is .*createGenerator/);
    }
  });
});

it('draws a batch from a generator per item, each as it would alone', () => {
  const scheduler = new DDPMScheduler();
  const batch = new Float64Array(6).fill(0.1);
  const generator = [createGenerator(0), createGenerator(7)];
  const together = scheduler.step(batch, 5, batch, { generator, shape: [2, 3] }).prevSample;
  const alone = scheduler.step(batch.slice(3), 5, batch.slice(3), { generator: createGenerator(7) }).prevSample;
  expect(together.slice(3)).toEqual(alone);
});

it('names every class in its config', () => {
  for (const [name, make] of Object.entries(SCHEDULERS)) expect(new make().config['_class_name']).toBe(name);
});

describe('RePaint', () => {
  it('asks for the picture and the mask by name', () => {
    const scheduler = new RePaintScheduler();
    scheduler.setTimesteps(20);
    const step = (options?: object) => () => scheduler.step(x(), 950, x(), options as never);
    expect(step()).toThrow(/`originalImage` is undefined.*another scheduler/);
    expect(step({ originalImage: x() })).toThrow(/`mask` is undefined/);
    expect(step({ originalImage: x(), mask: Float64Array.of(1, 0, 1), noise: x() })).not.toThrow();
  });
});

describe('setSigmas', () => {
  it.each<[string, number, { sigmaMin?: number; sigmaMax?: number }, RegExp]>([
    ['no levels', 0, { sigmaMin: 0.5, sigmaMax: 5 }, /numInferenceSteps/],
    ['half a level', 2.5, { sigmaMin: 0.5, sigmaMax: 5 }, /numInferenceSteps/],
    ['a least level of 0', 4, { sigmaMin: 0, sigmaMax: 5 }, /`sigmaMin` is 0/],
    ['a largest level below the least', 4, { sigmaMin: 0.5, sigmaMax: 0.1 }, /`sigmaMax` is 0.1.*from 0.5/],
    ['NaN', 4, { sigmaMax: NaN }, /`sigmaMax` is NaN/],
  ])('refuses %s, and leaves the scheduler as it was', (_, count, bounds, message) => {
    const [asked, untouched] = [new ScoreSdeVeScheduler(), new ScoreSdeVeScheduler()];
    for (const scheduler of [asked, untouched]) scheduler.setSigmas(6, { sigmaMin: 0.2, sigmaMax: 3 });
    expect(() => asked.setSigmas(count, bounds)).toThrow(message);
    const look = (scheduler: ScoreSdeVeScheduler) => {
      const { timesteps, sigmas, discreteSigmas } = scheduler;
      return { timesteps, sigmas, discreteSigmas, noised: scheduler.addNoise(x(), x(), 3) };
    };
    expect(look(asked)).toEqual(look(untouched));
    // The bounds hold for later timesteps, too.
    for (const scheduler of [asked, untouched]) scheduler.setTimesteps(5);
    expect(look(asked)).toEqual(look(untouched));
  });
});
