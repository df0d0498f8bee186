import type { Reported } from '../reports/folder.ts';

/** What an experiment of the paper gives when it is repeated. */
export type ExperimentResult = Reported;
