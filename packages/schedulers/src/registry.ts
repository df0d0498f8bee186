import { CMStochasticIterativeScheduler } from './consistency.ts';
import type { SchedulerConfig } from './config.ts';
import { DDIMInverseScheduler } from './ddim-inverse.ts';
import { DDIMParallelScheduler } from './ddim-parallel.ts';
import { DDIMScheduler } from './ddim.ts';
import { DDPMParallelScheduler } from './ddpm-parallel.ts';
import { DDPMScheduler } from './ddpm.ts';
import { DEISMultistepScheduler } from './deis.ts';
import { DPMSolverMultistepInverseScheduler } from './dpm-multistep-inverse.ts';
import { DPMSolverMultistepScheduler } from './dpm-multistep.ts';
import { DPMSolverSDEScheduler } from './dpm-sde.ts';
import { DPMSolverSinglestepScheduler } from './dpm-singlestep.ts';
import { EDMDPMSolverMultistepScheduler } from './edm-dpm-multistep.ts';
import { EDMEulerScheduler } from './edm-euler.ts';
import { checkName } from './errors.ts';
import { EulerAncestralDiscreteScheduler } from './euler-ancestral.ts';
import { EulerDiscreteScheduler } from './euler.ts';
import { FlowMatchEulerDiscreteScheduler } from './flow-match-euler.ts';
import { FlowMatchHeunDiscreteScheduler } from './flow-match-heun.ts';
import { HeunDiscreteScheduler } from './heun.ts';
import { IPNDMScheduler } from './ipndm.ts';
import { KDPM2AncestralDiscreteScheduler } from './kdpm2-ancestral.ts';
import { KDPM2DiscreteScheduler } from './kdpm2.ts';
import { LCMScheduler } from './lcm.ts';
import { LMSDiscreteScheduler } from './lms.ts';
import { PNDMScheduler } from './pndm.ts';
import { RePaintScheduler } from './repaint.ts';
import { SASolverScheduler } from './sa-solver.ts';
import { ScoreSdeVeScheduler } from './sde-ve.ts';
import { ScoreSdeVpScheduler } from './sde-vp.ts';
import { TCDScheduler } from './tcd.ts';
import { UnCLIPScheduler } from './unclip.ts';
import { UniPCMultistepScheduler } from './unipc.ts';

/** All scheduler classes by the name that configs give them. */
export const SCHEDULERS = {
  CMStochasticIterativeScheduler,
  DDIMInverseScheduler,
  DDIMParallelScheduler,
  DDIMScheduler,
  DDPMParallelScheduler,
  DDPMScheduler,
  DEISMultistepScheduler,
  DPMSolverMultistepInverseScheduler,
  DPMSolverMultistepScheduler,
  DPMSolverSDEScheduler,
  DPMSolverSinglestepScheduler,
  EDMDPMSolverMultistepScheduler,
  EDMEulerScheduler,
  EulerAncestralDiscreteScheduler,
  EulerDiscreteScheduler,
  FlowMatchEulerDiscreteScheduler,
  FlowMatchHeunDiscreteScheduler,
  HeunDiscreteScheduler,
  IPNDMScheduler,
  KDPM2AncestralDiscreteScheduler,
  KDPM2DiscreteScheduler,
  LCMScheduler,
  LMSDiscreteScheduler,
  PNDMScheduler,
  RePaintScheduler,
  SASolverScheduler,
  ScoreSdeVeScheduler,
  ScoreSdeVpScheduler,
  TCDScheduler,
  UnCLIPScheduler,
  UniPCMultistepScheduler,
} as const;

export type SchedulerName = keyof typeof SCHEDULERS;
export type AnyScheduler = InstanceType<(typeof SCHEDULERS)[SchedulerName]>;

/**
 * The scheduler that a diffusers config describes, by its `_class_name`. To take up a config with another class of the same
 * family, hand it to that class: `EulerDiscreteScheduler.fromConfig(ddim.config)`.
 *
 * @throws SchedulerError `SCHEDULER_UNKNOWN_NAME` for a class that is not here.
 */
export function fromConfig(config: SchedulerConfig): AnyScheduler {
  const name = config['_class_name'];
  checkName('_class_name', name, Object.keys(SCHEDULERS) as SchedulerName[]);
  return new SCHEDULERS[name](config);
}
