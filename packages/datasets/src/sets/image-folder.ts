import type { Stats } from 'node:fs';
import { Dataset } from '../dataset.ts';
import type { Channels } from '../decode/channels.ts';
import { DatasetError } from '../errors.ts';
import { cannotRead, isMissing } from '../files/disk.ts';
import { rootOf } from '../files/root.ts';
import { nodeModule } from '../platform.ts';
import { encodedSource } from '../sources/encoded.ts';
import { View } from '../view.ts';
import { fit, type FitOptions } from './fit.ts';

/** How to open a folder of pictures. */
export interface ImageFolderOptions extends FitOptions {
  root: string;
  /** 3 (RGB, the default) or 1 (grey). */
  channels?: Channels;
}

const PICTURE = /\.(jpe?g|png|webp|bmp|gif|tiff?|ppm|pgm|avif)$/i;

/**
 * A folder of pictures (Node): either one folder per class, `root/<class>/…/<picture>`, with the classes in the order of
 * their names as torchvision's `ImageFolder` has them, or pictures without classes, `root/…/<picture>`.
 *
 * ```ts
 * const photos = await imageFolder({ root: 'photos', size: 64 });
 * ```
 *
 * @throws DatasetError `DATASETS_EMPTY_FOLDER`, `DATASETS_MISSING_FILE`, `DATASETS_UNREADABLE`, `DATASETS_BAD_OPTION`
 */
export async function imageFolder(options: ImageFolderOptions): Promise<Dataset> {
  const root = rootOf(options, 'imageFolder');
  const { channels = 3 } = options;
  const top = await list(root);
  const classes = top.pictures.length === 0 ? top.folders : undefined;
  const found: string[] = [];
  const labels: number[] = [];
  for (const [label, name] of (classes ?? ['']).entries()) {
    const pictures = await picturesUnder(root, name);
    if (pictures.length === 0) {
      throw new DatasetError(
        'DATASETS_EMPTY_FOLDER',
        `There are no pictures in ${nodeModule('node:path').join(root, name)} (${PICTURE.source}); a class without pictures ` +
          'would have no meaning, so remove the folder or fill it.',
      );
    }
    for (const picture of pictures) {
      found.push(picture);
      labels.push(label);
    }
  }
  if (found.length === 0) {
    throw new DatasetError('DATASETS_EMPTY_FOLDER', `There is nothing in ${root}: no pictures and no folders of them.`);
  }
  const store = { kind: 'files', folder: root, names: found } as const;
  const source = encodedSource({ store, channels }, (row) => `${root}/${found[row]}`);
  const view = new View({
    source,
    ...(classes && { labels: { data: Int32Array.from(labels), width: 1 } }),
    steps: fit(options),
  });
  return new Dataset(view, { name: root, location: root, ...(classes && { classes }) });
}

/** Pictures below a folder, as `os.walk` of Python gives them when it is sorted: those of a folder before its folders'. */
async function picturesUnder(root: string, folder: string): Promise<string[]> {
  const path = nodeModule('node:path');
  const { pictures, folders } = await list(path.join(root, folder));
  const found = [pictures.map((name) => path.posix.join(folder, name))];
  for (const name of folders) found.push(await picturesUnder(root, path.posix.join(folder, name)));
  return found.flat();
}

async function list(folder: string): Promise<{ pictures: string[]; folders: string[] }> {
  const fs = nodeModule('node:fs').promises;
  const path = nodeModule('node:path');
  const pictures: string[] = [];
  const folders: string[] = [];
  try {
    for (const entry of await fs.readdir(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const linked = entry.isSymbolicLink() ? await statLink(path.join(folder, entry.name)) : entry;
      if (linked.isDirectory()) folders.push(entry.name);
      else if (PICTURE.test(entry.name)) pictures.push(entry.name);
    }
  } catch (cause) {
    if (cause instanceof DatasetError) throw cause;
    if (!isMissing(cause)) throw cannotRead(folder, cause);
    throw new DatasetError('DATASETS_MISSING_FILE', `There is no folder ${folder}.`, { cause });
  }
  // By code units, so that the order, and with it the labels, are the same on every platform.
  const order = (a: string, b: string) => (a < b ? -1 : 1);
  return { pictures: pictures.sort(order), folders: folders.sort(order) };
}

async function statLink(link: string): Promise<Stats> {
  return nodeModule('node:fs')
    .promises.stat(link)
    .catch((cause: unknown) => {
      if (!isMissing(cause)) throw cannotRead(link, cause);
      throw new DatasetError('DATASETS_MISSING_FILE', `${link} is a link to something that is not there; remove it.`, {
        cause,
      });
    });
}
