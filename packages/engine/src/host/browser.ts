import type { Host } from './host.ts';

/** Chosen by the `imports` field of package.json wherever the program does not run in Node. */
export const host = undefined as Host | undefined;
