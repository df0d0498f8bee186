import type { ExperimentResult } from './experiment.ts';
import { networkTable, parameterTable } from './networks.ts';

export interface PaperOptions {
  /** Side and channels of the images. */
  size: number;
  channels: number;
  /** Fewer repetitions: minutes for everything together. */
  quick: boolean;
  signal: AbortSignal;
  onProgress: (done: number, total: number, what: string) => void;
}

interface Experiment {
  about: string;
  run(options: PaperOptions): ExperimentResult | Promise<ExperimentResult>;
}

/** The tables and figures of the paper by name; another one is one line. */
export const experiments: Readonly<Record<string, Experiment>> = {
  table5: {
    about: 'operations, checkpoint bytes and parameters of the networks, time and memory of a call',
    run: ({ quick, ...options }) => networkTable({ ...options, calls: quick ? 3 : 10 }),
  },
  fig6: { about: 'parameters of the networks', run: parameterTable },
};
