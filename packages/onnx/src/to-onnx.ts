import { OnnxError } from './errors.ts';
import type { ExportOptions, Predicts } from './options.ts';

/** What a file of protocol buffers can hold. */
const largestFile = 2 ** 31 - 1;

/**
 * A denoiser as the bytes of an ONNX file. One call of it is traced, so it has to do the same at every call: a network with
 * ODE blocks needs a solver with fixed steps.
 *
 * The model takes `sample` [batch, channels, height, width] and `timestep` [1 or batch] and gives `out_sample`, float32.
 *
 * @throws OnnxError `ONNX_OPTION`, `ONNX_UNSUPPORTED_KERNEL`, `ONNX_VALUE_DEPENDENT`, `ONNX_CALLS_DIFFER`,
 *   `ONNX_NOT_A_DENOISER`, `ONNX_TOO_LARGE`
 */
export async function toOnnx(denoiser: Predicts, options: ExportOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  // Apart, so that who only runs models does not load it.
  const { exportModel, writeModel } = await import('./export.ts');
  const model = await exportModel(denoiser, options);
  const size = model.initializers.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (size > largestFile) {
    throw new OnnxError(
      'ONNX_TOO_LARGE',
      `The weights take ${size} bytes, but one file holds less than 2 GB: use \`saveOnnx\`, which puts them into a second file.`,
    );
  }
  return writeModel(model);
}
