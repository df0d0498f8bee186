import type { EngineFlags } from '../options.ts';

export interface DemoFlags extends EngineFlags {
  out: string;
  /** Denoising steps, or optimiser steps of the training. */
  steps?: number;
  seed: number;
  train?: boolean;
  json?: boolean;
}
