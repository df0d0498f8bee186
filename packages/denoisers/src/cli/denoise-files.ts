import { mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { peakSignalNoiseRatio, structuralSimilarity } from '@missing-u/metrics';
import { estimateNoise } from '../bm3d/prepare.ts';
import { DenoisersError } from '../errors.ts';
import type { ImageDenoiser } from '../face.ts';
import type { RasterImage } from '../raster.ts';
import { readPicture, sideBySide, writePicture } from './pictures.ts';

export interface DenoiseFilesOptions {
  /** Standard deviation of the noise on the scale of 0 to 255; estimated for each picture where it is left out. */
  sigma?: number;
  /** Clean pictures, one for each file, to compare with. */
  references?: readonly string[];
  /** Folder for `<name>.png` and `<name>-before-after.png`. */
  out: string;
}

export interface DenoisedFile {
  readonly file: string;
  readonly output: string;
  /** What was told or estimated, on the scale of 0 to 255. */
  readonly sigma: number;
  readonly seconds: number;
  /** Only with a reference: of the noisy and of the denoised picture. */
  readonly psnr?: { readonly before: number; readonly after: number };
  readonly ssim?: { readonly before: number; readonly after: number };
}

/** Denoises pictures one after the other, writes the results, and compares them with clean ones. */
export async function* denoiseFiles(
  files: readonly string[],
  denoiser: ImageDenoiser,
  options: DenoiseFilesOptions,
): AsyncGenerator<DenoisedFile> {
  await checkNames(files, options);
  await makeFolder(options.out);
  for (const [index, file] of files.entries()) {
    const noisy = await readPicture(file);
    const reference = options.references?.[index];
    const clean = reference === undefined ? undefined : await readReference(reference, file, noisy);
    const sigma = options.sigma === undefined ? estimateNoise(noisy) : options.sigma / 255;
    const begin = performance.now();
    const restored = await denoised(noisy, denoiser, sigma);
    const seconds = (performance.now() - begin) / 1000;
    const { output, pair } = outputsOf(file, options.out);
    await writePicture(output, restored);
    await writePicture(pair, sideBySide(noisy, restored));
    const comparison = clean === undefined ? {} : compare(noisy, restored, clean);
    yield { file, output, sigma: 255 * sigma, seconds, ...comparison };
  }
}

async function makeFolder(out: string): Promise<void> {
  try {
    await mkdir(out, { recursive: true });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const taken = code === 'EEXIST' || code === 'ENOTDIR';
    const reason = taken ? `--out is '${out}', where a file is; give a folder` : `--out cannot be made: ${message}`;
    throw new DenoisersError('DENOISERS_BAD_OPTION', `${reason}.`, { cause });
  }
}

/** Where the results of a picture go. */
function outputsOf(file: string, out: string) {
  const name = basename(file, extname(file));
  return { output: join(out, `${name}.png`), pair: join(out, `${name}-before-after.png`) };
}

/** Refuses what would write over a picture that was given, or over a result; links count as what they lead to. */
async function checkNames(files: readonly string[], { out, references = [] }: DenoiseFilesOptions): Promise<void> {
  const folder = await followed(out);
  const given = new Set(await Promise.all([...files, ...references].map(followed)));
  const written = new Map<string, string>();
  for (const file of files) {
    if ((await followed(dirname(file))) === folder) {
      refuse(`The results of ${file} would be in its own folder; give another --out.`);
    }
    for (const path of await Promise.all(Object.values(outputsOf(file, folder)).map(followed))) {
      if (given.has(path)) refuse(`The results of ${file} would write over ${path}; give another --out.`);
      const other = written.get(path);
      if (other !== undefined) {
        refuse(`The results of ${other} and ${file} would have one name; denoise them into two folders.`);
      }
      written.set(path, file);
    }
  }
}

/** A path without links; as it is where nothing is there yet. */
function followed(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}

function refuse(message: string): never {
  throw new DenoisersError('DENOISERS_BAD_OPTION', message);
}

/** The clean picture, with as many channels as the noisy one. */
async function readReference(path: string, file: string, noisy: RasterImage): Promise<RasterImage> {
  const clean = await readPicture(path, noisy.channels);
  if (clean.width === noisy.width && clean.height === noisy.height) return clean;
  const sizes = `${file} has ${noisy.width}x${noisy.height} pixels, its reference ${path} ${clean.width}x${clean.height}`;
  throw new DenoisersError('DENOISERS_BAD_IMAGE', `${sizes}; they have to be of one size.`);
}

async function denoised(picture: RasterImage, denoiser: ImageDenoiser, sigma: number): Promise<RasterImage> {
  const { width, height, channels } = picture;
  const images = tf.tensor4d(picture.data as Float32Array, [1, height, width, channels]);
  try {
    const result = await denoiser.denoise(images, { sigma });
    const data = Float32Array.from(await result.data(), (value) => Math.min(Math.max(value, 0), 1));
    result.dispose();
    return { ...picture, data };
  } finally {
    images.dispose();
  }
}

function compare(noisy: RasterImage, restored: RasterImage, clean: RasterImage): Pick<DenoisedFile, 'psnr' | 'ssim'> {
  const psnr = (image: RasterImage) => peakSignalNoiseRatio(clean, image, { dataRange: 1 });
  const ssim = (image: RasterImage) => structuralSimilarity(clean, image, { dataRange: 1 });
  return { psnr: { before: psnr(noisy), after: psnr(restored) }, ssim: { before: ssim(noisy), after: ssim(restored) } };
}
