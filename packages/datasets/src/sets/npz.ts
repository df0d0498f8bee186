import { loadNpz } from '@missing-u/weights';
import { show } from '@missing-u/errors';
import { Dataset } from '../dataset.ts';
import { DatasetError } from '../errors.ts';
import { memorySource } from '../sources/memory.ts';
import { View } from '../view.ts';
import { classesOf } from './classes.ts';
import { fit, type FitOptions } from './fit.ts';
import { transformAll } from './transform-all.ts';

/** How to open a NumPy archive. */
export interface NpzOptions extends FitOptions {
  /** The `.npz` file: a path (Node), a URL, or its bytes. */
  file: string | URL | ArrayBuffer | Uint8Array<ArrayBuffer> | Blob;
  /** Names of the arrays; by default the first of `images`, `arr_0`, `x_train`, `x`, `data`, and of `labels`, `arr_1`, `y_train`, `y`. */
  images?: string;
  labels?: string;
}

const IMAGES = ['images', 'arr_0', 'x_train', 'x', 'data'];
const LABELS = ['labels', 'arr_1', 'y_train', 'y'];

/**
 * Pictures in a NumPy archive: bytes [n, height, width, channels] or [n, height, width], and labels [n] if there are any;
 * the format of sample batches of guided-diffusion, and of Keras' `mnist.npz`.
 *
 * @throws DatasetError `DATASETS_BAD_NPZ`; WeightsError for a file that is not a whole `.npz`
 */
export async function npz(options: NpzOptions): Promise<Dataset> {
  const arrays = await loadNpz(options.file);
  const pick = (asked: string | undefined, usual: readonly string[]) => asked ?? usual.find((name) => name in arrays);
  const name = pick(options.images, IMAGES);
  const images = name === undefined ? undefined : arrays[name];
  const shown = typeof options.file === 'string' || options.file instanceof URL ? String(options.file) : 'the npz file';
  const bad = (why: string) => new DatasetError('DATASETS_BAD_NPZ', `${shown} ${why}.`);
  if (images === undefined) {
    throw bad(`has no array '${options.images ?? IMAGES.join("', '")}'; it has ${Object.keys(arrays).join(', ')}`);
  }
  const [count = 0, height = 0, width = 0, channels = 1, ...more] = images.shape;
  if (!(images.data instanceof Uint8Array) || images.shape.length < 3 || more.length > 0) {
    throw bad(
      `has '${name}' of ${images.dtype} ${show(images.shape)}, where bytes [n, height, width, channels] belong`,
    );
  }
  const labelName = pick(options.labels, LABELS);
  const labels = labelName === undefined ? undefined : arrays[labelName];
  if (options.labels !== undefined && labels === undefined) throw bad(`has no array '${options.labels}'`);
  if (labels !== undefined && labels.data.length !== count) {
    throw bad(`has ${count} images in '${name}', but ${labels.data.length} labels in '${labelName}'`);
  }
  const prepared = transformAll(images.data, [height, width, channels], fit(options));
  const classes =
    labels &&
    classesOf(labels.data, (row, label) =>
      bad(`has the label ${show(label)} of image ${row} in '${labelName}', where whole numbers (int32) belong`),
    );
  const view = new View({
    source: memorySource(prepared.data, prepared.shape, shown),
    ...(classes && { labels: { data: classes.data, width: 1 } }),
  });
  return new Dataset(view, { name: shown, location: shown, sourceShape: [height, width, channels] });
}
