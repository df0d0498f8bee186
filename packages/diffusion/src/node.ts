export { readCheckpoint, writeCheckpoint, listCheckpoints, type Checkpoint } from './runs/checkpoint.ts';
export { defaultConfig, resolveConfig, type RunConfig } from './runs/config.ts';
export { loadRun, type LoadedRun } from './runs/load-run.ts';
export { samplePaths, sampleSet, type SampleSetOptions } from './runs/sample-set.ts';
export { trainRun, type TrainedRun, type TrainRunOptions } from './runs/train-run.ts';
export { writePng } from './images/png.ts';
export { lossPlot } from './plots/loss-plot.ts';
export { main } from './cli/program.ts';
