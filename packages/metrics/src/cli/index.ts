export { compareImagesCommand } from './compare-images.ts';
export { evaluateCommand, type CommandHost } from './evaluate.ts';
