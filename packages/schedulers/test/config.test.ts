import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import {
  DDIMScheduler,
  DDPMScheduler,
  EulerDiscreteScheduler,
  SCHEDULERS,
  fromConfig,
  parseConfig,
  stringifyConfig,
  type SchedulerConfig,
  type SchedulerName,
} from '../src/index.ts';

/** Written by tools/reference/schedulers/configs.py. */
const text = readFileSync(new URL('./fixtures/configs.json', import.meta.url), 'utf8');
const saved = parseConfig(text) as unknown as Record<SchedulerName, SchedulerConfig>;
const names = Object.keys(saved) as SchedulerName[];

describe.each(names)('%s', (name) => {
  it('has the config that diffusers saves', () => {
    const config = new SCHEDULERS[name]().config;
    const expected = Object.fromEntries(
      // A scheduler inside a scheduler and an unused list are not carried over.
      Object.entries(saved[name]).filter(([key]) => !['solver_p', 'timestep_values'].includes(key)),
    );
    expect(config).toEqual(expected);
  });

  it('comes back from its text, and from JSON that has null for its infinities', () => {
    const scheduler = new SCHEDULERS[name]();
    const plain = JSON.parse(JSON.stringify(scheduler.config)) as SchedulerConfig;
    for (const config of [parseConfig(stringifyConfig(scheduler.config)), plain]) {
      const again = fromConfig(config);
      expect(again.constructor).toBe(SCHEDULERS[name]);
      expect(again.config).toEqual(scheduler.config);
      expect(Object.isFrozen(again.config)).toBe(true);
    }
  });
});

it("reads and writes Python's bare numbers, and leaves strings alone", () => {
  // json.dumps({"lambda_min_clipped": -math.inf, "list": [math.inf, math.nan], "note": 'say "-Infinity" or NaN'}, indent=2)
  const written = `{
  "lambda_min_clipped": -Infinity,
  "list": [
    Infinity,
    NaN
  ],
  "note": "say \\"-Infinity\\" or NaN"
}`;
  const config = { lambda_min_clipped: -Infinity, list: [Infinity, NaN], note: 'say "-Infinity" or NaN' };
  expect(parseConfig(written)).toEqual(config);
  expect(stringifyConfig(config, 2)).toBe(written);
  expect(text).toMatch(/"lambda_min_clipped": -Infinity/);
  expect(() => parseConfig('{ "a": -Infinit }')).toThrow(SyntaxError);
});

it('changes class and back without loss', () => {
  const ddpm = new DDPMScheduler({ varianceType: 'fixed_large', betaSchedule: 'squaredcos_cap_v2' });
  const ddim = DDIMScheduler.fromConfig(ddpm.config);
  expect(ddim.config['beta_schedule']).toBe('squaredcos_cap_v2');
  expect(ddim.config['_class_name']).toBe('DDIMScheduler');
  const back = DDPMScheduler.fromConfig(ddim.config);
  expect(back.config).toMatchObject({ ...ddpm.config });
});

it('leaves what nobody set to the defaults of the new class', () => {
  // diffusers 0.42.1: EulerDiscreteScheduler.from_config(DDIMScheduler(...).config).config.timestep_spacing
  const spacing = (config: SchedulerConfig) => EulerDiscreteScheduler.fromConfig(config).config['timestep_spacing'];
  expect(spacing(new DDIMScheduler().config)).toBe('linspace');
  expect(spacing(new DDIMScheduler({ timestepSpacing: 'leading' }).config)).toBe('leading');
  // diffusers' own list of such keys; a config from a file has none, and counts as set.
  const config = { ...new DDIMScheduler().config, _use_default_values: ['timestep_spacing'] };
  expect(spacing(config)).toBe('linspace');
  expect(EulerDiscreteScheduler.fromConfig(config).config).not.toHaveProperty('_use_default_values');
  expect(spacing(parseConfig(stringifyConfig(new DDIMScheduler().config)))).toBe('leading');
});

it('names the classes that its config is meant for, which take it up', () => {
  // len(scheduler.compatibles) in diffusers 0.42.1, the class itself included where it is not in the list
  const counts = { DDIMScheduler: 15, SASolverScheduler: 16, EDMEulerScheduler: 1, LCMScheduler: 1 } as const;
  for (const [name, count] of Object.entries(counts)) {
    const scheduler = new SCHEDULERS[name as keyof typeof counts]();
    expect(scheduler.compatibles[0]).toBe(name);
    expect(new Set(scheduler.compatibles).size).toBe(count);
    for (const other of scheduler.compatibles) {
      expect(new SCHEDULERS[other](scheduler.config).config['_class_name']).toBe(other);
    }
  }
});

it('keeps unknown keys, and warns about them once', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const config = { ...new EulerDiscreteScheduler().config, some_new_key: [1, 2] };
  const scheduler = EulerDiscreteScheduler.fromConfig(config);
  expect(EulerDiscreteScheduler.fromConfig(config).config['some_new_key']).toEqual([1, 2]);
  expect(scheduler.config['some_new_key']).toEqual([1, 2]);
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0]![0]).toContain('some_new_key');
  warn.mockRestore();
});

it('takes camelCase options and refuses unknown ones, with the nearest name', () => {
  expect(new DDPMScheduler({ numTrainTimesteps: 10 }).config['num_train_timesteps']).toBe(10);
  expect(() => new DDPMScheduler({ clipSampel: true })).toThrow(/clipSampel.*Did you mean 'clipSample'/);
  expect(() => fromConfig({ _class_name: 'DDIMSchedule' })).toThrow(/Did you mean 'DDIMScheduler'/);
  expect(() => new DDPMScheduler({ predictionType: 'eps' as 'epsilon' })).toThrow(/epsilon, sample, v_prediction/);
});

it('writes its own options only where they are set', () => {
  expect(new DDIMScheduler().config).not.toHaveProperty('precision');
  expect(new DDIMScheduler({ precision: 'float32', matchDiffusers: true }).config).toMatchObject({
    precision: 'float32',
    match_diffusers: true,
  });
});
