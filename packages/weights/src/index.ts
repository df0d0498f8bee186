export { loadSafetensors, openSafetensors, type SafetensorsFile } from './safetensors/read.ts';
export { encodeSafetensors, saveSafetensors, type SafetensorsOptions, type SaveOptions } from './safetensors/write.ts';
export { toFloat32, type StateDict, type StateTensor } from './state-dict.ts';
export type { DType, NumberArray } from './dtypes.ts';
export type { Source } from './source.ts';
export { WeightsError } from './errors.ts';
