export {
  findCheckpoint,
  listCheckpoints,
  readCheckpoint,
  writeCheckpoint,
  type Checkpoint,
} from './runs/checkpoint.ts';
export { readConfigFile } from './runs/config-file.ts';
export { defaultConfig, defineConfig, resolveConfig, resumedConfig, type RunConfig } from './runs/config.ts';
export { loadRun, type LoadedRun, type LoadRunOptions } from './runs/load-run.ts';
export { samplePaths, sampleSet, type SampleSetOptions } from './runs/sample-set.ts';
export { trainRun, type TrainedRun, type TrainRunOptions } from './runs/train-run.ts';
export { writePng } from './images/png.ts';
export { lossPlot } from './plots/loss-plot.ts';
export { main } from './cli/program.ts';
