import { platform } from '#platform';
import { invalidArgument } from '@missing-u/errors';
import { OnnxError } from './errors.ts';
import type { ExternalData } from './model/write.ts';
import { checkObject, type ExportOptions, type Predicts } from './options.ts';

/** Options of `saveOnnx`. */
export interface SaveOptions extends ExportOptions {
  /** Whether the weights go into a second file, `<path>.data`; default: where they are more than `largestFile`. */
  externalData?: boolean;
  /** Bytes of weights that one file may hold; default a little less than 2 GB, the most that the format allows. */
  largestFile?: number;
}

/** A little less than 2 GB, which is what one file can hold. */
const LARGEST_FILE = 2 ** 31 - 2 ** 24;

/**
 * Writes a denoiser as an ONNX file (Node), as `toOnnx` makes it, and returns the paths of what was written. Files appear
 * when they are whole, or not at all.
 *
 * @throws OnnxError as `toOnnx`
 */
export async function saveOnnx(denoiser: Predicts, path: string, options: SaveOptions = {}): Promise<string[]> {
  if (typeof path !== 'string' || path === '') {
    throw new OnnxError(
      'ONNX_OPTION',
      invalidArgument({ argument: 'path', value: path, allowed: 'the path of a file' }),
    );
  }
  const { writeFiles } = platform;
  if (writeFiles === undefined)
    throw new OnnxError('ONNX_OPTION', '`saveOnnx` writes files, so it needs Node: use `toOnnx` here.');
  checkObject(options);
  const { largestFile = LARGEST_FILE } = options;
  if (!(Number.isInteger(largestFile) && largestFile >= 0 && largestFile <= LARGEST_FILE)) {
    const allowed = `an integer from 0 to ${LARGEST_FILE}`;
    throw new OnnxError('ONNX_OPTION', invalidArgument({ argument: 'largestFile', value: largestFile, allowed }));
  }
  const { exportModel, writeModel } = await import('./export.ts');
  const model = await exportModel(denoiser, options, ['externalData', 'largestFile']);
  const size = model.initializers.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (!(options.externalData ?? size > largestFile)) {
    await writeFiles([{ path, parts: [writeModel(model)] }]);
    return [path];
  }
  const data = `${path}.data`;
  const external: ExternalData = { location: data.replace(/^.*[\\/]/, ''), parts: [] };
  const bytes = writeModel(model, external);
  // The model's file comes last: where it is, what it needs is there too.
  await writeFiles([
    { path: data, parts: external.parts },
    { path, parts: [bytes] },
  ]);
  return [path, data];
}
