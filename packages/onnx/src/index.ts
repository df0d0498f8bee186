export { OnnxError } from './errors.ts';
export { toOnnx } from './to-onnx.ts';
export { saveOnnx, type SaveOptions } from './save.ts';
export type { ConditionSpec, ExportOptions, Predicts, SchedulerLike } from './options.ts';
export { OnnxDenoiser, type Conditions, type LoadOptions, type Times } from './run/onnx-denoiser.ts';
export type { Images } from './run/images.ts';
export type { ImageLayout } from './run/ports.ts';
export type { OnnxRuntime, OnnxSession, OnnxTensor, WasmPaths } from './run/runtime.ts';
