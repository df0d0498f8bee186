export { compile, type Compiled } from './compile/compile.ts';
export type { CompileOptions } from './compile/options.ts';
export type { CompileStats, GraphStats } from './compile/stats.ts';
export { doctor, type Diagnosis } from './doctor.ts';
export { EngineError } from './errors.ts';
export { profile, profileTable, profileTrace, type Profile, type ProfiledOperation } from './profile/profile.ts';
export { useEngine } from './use-engine.ts';
export { verifyEngine } from './verify.ts';
export type { Candidate, Engine, EngineName, EngineOptions } from './types.ts';
