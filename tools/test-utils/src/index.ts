export { examplesOf, runExample } from './examples.ts';
export type { Numbers, Tolerance } from './matchers.ts';
export { sharedFile } from './shared-data.ts';
