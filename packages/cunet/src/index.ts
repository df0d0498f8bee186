export { CUNet } from './cunet.ts';
export { DynamicBlock } from './dynamic-block.ts';
export { CUNetError } from './errors.ts';
export {
  attentionPlaces,
  gradientNames,
  type AttentionPlace,
  type CUNetConfig,
  type CUNetOptions,
  type GradientName,
  type SolverOptions,
} from './options.ts';
export { presets, type PresetName } from './presets.ts';
export { LiftStem, PublishedStem, type Stem } from './stem.ts';
export { VectorField, type Field } from './vector-field.ts';
