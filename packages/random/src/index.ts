export type { Generator, GeneratorState } from './generator.ts';
export { createGenerator } from './xoshiro.ts';
export { torchGenerator } from './torch.ts';
export { RandomError } from './errors.ts';
