export { compareImagesCommand } from './compare-images.ts';
export { evaluateCommand, type CommandHost, type ModelSampling, type SampledFolders } from './evaluate.ts';
