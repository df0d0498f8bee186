import { MissingUError } from '@missing-u/errors';

/** Errors of this package; `code` starts with `ONNX_`. */
export class OnnxError extends MissingUError {}
