export { EngineError } from './errors.ts';
export { useEngine } from './use-engine.ts';
export type { Candidate, Engine, EngineName, EngineOptions } from './types.ts';
