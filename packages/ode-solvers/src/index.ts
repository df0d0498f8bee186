export { OdeError } from './errors.ts';
export type { StepOptions } from './control/options.ts';
export type { Dense } from './core/dense.ts';
export type { Method } from './core/method.ts';
export type { OutputKind } from './core/outputs.ts';
export type { BackwardStats, SolverStats, Status } from './core/result.ts';
export type { StepInfo } from './core/solve.ts';
export { adjoint, type AdjointOptions } from './gradients/adjoint.ts';
export type { AdjointNorm } from './gradients/augmented.ts';
export { checkpointed, type CheckpointOptions } from './gradients/checkpointed.ts';
export { direct } from './gradients/direct.ts';
export type { Gradient } from './gradients/gradient.ts';
export { reversible, type ReversibleOptions } from './gradients/reversible.ts';
export { coupled } from './methods/coupled.ts';
export { methodNames, type MethodName } from './methods/index.ts';
export type { FoundEvent } from './tensors/events.ts';
export type { Field } from './tensors/field.ts';
export { integrate, odeint, odeintAsync, type OdeEnd, type OdeSolution } from './tensors/odeint.ts';
export type { Norm, OdeEvent, OdeOptions, OutputOptions, Tolerance } from './tensors/options.ts';
export {
  initialMotion,
  secondOrder,
  type Acceleration,
  type Motion,
  type SecondOrderField,
} from './tensors/second-order.ts';
export type { Times } from './tensors/times.ts';
export type { StepTaken } from './core/stepper.ts';
export { stepper, type Stepper, type StepState } from './tensors/stepper.ts';
