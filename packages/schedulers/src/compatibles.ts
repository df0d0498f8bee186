import type { SchedulerName } from './registry.ts';

/** Schedulers that sample with the same models: diffusers' `KarrasDiffusionSchedulers`. */
const INTERCHANGEABLE: readonly SchedulerName[] = [
  'DDIMScheduler',
  'DDPMScheduler',
  'PNDMScheduler',
  'LMSDiscreteScheduler',
  'EulerDiscreteScheduler',
  'HeunDiscreteScheduler',
  'EulerAncestralDiscreteScheduler',
  'DPMSolverMultistepScheduler',
  'DPMSolverSinglestepScheduler',
  'KDPM2DiscreteScheduler',
  'KDPM2AncestralDiscreteScheduler',
  'DEISMultistepScheduler',
  'UniPCMultistepScheduler',
  'DPMSolverSDEScheduler',
  'EDMEulerScheduler',
];

/** Classes whose configs those take up, besides themselves; EDM's Euler method takes configs, but its own fits no other. */
const GIVING: readonly SchedulerName[] = [
  ...INTERCHANGEABLE.filter((name) => name !== 'EDMEulerScheduler'),
  'DDIMParallelScheduler',
  'DDPMParallelScheduler',
  'DPMSolverMultistepInverseScheduler',
  'SASolverScheduler',
];

/** Names of the classes whose `fromConfig` takes up a config of this class, itself first, as diffusers lists them. */
export function compatiblesOf(name: SchedulerName): readonly SchedulerName[] {
  if (!GIVING.includes(name)) return [name];
  return [name, ...INTERCHANGEABLE.filter((other) => other !== name)];
}
