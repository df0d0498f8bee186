export { AutodiffError } from './errors.ts';
export { checkpoint } from './checkpoint.ts';
export { gradCheck, type GradCheckOptions, type GradCheckReport } from './grad-check.ts';
export { jvp } from './jvp.ts';
export { again, hasKernel, runningRecording, type Recording } from './recording.ts';
export { stopGradient } from './stop-gradient.ts';
export {
  capturedOn,
  freeTape,
  isTaping,
  keepAlive,
  owned,
  markTape,
  recordOperation,
  rewindTape,
  rollbackOnThrow,
  tidy,
  withFreshTape,
  type Recorded,
  type RecordedOperation,
  type Tape,
} from './tape.ts';
export { withCaptures } from './captures.ts';
export { isTensor, treeDifference, treeLeaves, treeLeavesLike, treeLike, treeMap, type TensorTree } from './tree.ts';
export {
  linearise,
  pullBack,
  valueAndVjp,
  vjp,
  type Arguments,
  type Gradients,
  type TensorFunction,
  type ValueAndVjp,
} from './vjp.ts';
