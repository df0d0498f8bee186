export { compareImages, type ImageComparison } from './evaluation/compare.ts';
export {
  evaluate,
  evaluationMetrics,
  type Evaluation,
  type EvaluationMetric,
  type EvaluationOptions,
} from './evaluation/evaluate.ts';
export {
  imageFiles,
  readFolder,
  readImage,
  type ByteImage,
  type FolderBatch,
  type FolderOptions,
} from './evaluation/image-folder.ts';
export { inceptionNetwork, mnistNetwork, type EvaluationNetwork, type NetworkOutputs } from './evaluation/networks.ts';
