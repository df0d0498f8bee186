import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { DiffusionError } from '../errors.ts';
import { writePng } from '../images/png.ts';
import type { DiffusionPipeline, SampleOptions } from '../pipelines/diffusion-pipeline.ts';
import { labelsOf, labelsOfChunk } from '../pipelines/labels.ts';
import { makeFolder, writeAtomically } from './files.ts';
import { isRunning, tryLock } from './lock.ts';

export interface SampleSetOptions extends Omit<
  SampleOptions,
  'batchSize' | 'first' | 'callbackOnStepEnd' | 'generator'
> {
  pipeline: DiffusionPipeline;
  /** Folder of the pictures, `00000000.png` and so on. */
  folder: string;
  /** Pictures in all. */
  count: number;
  seed: number;
  /** What else decides the pictures (model, scheduler); a folder made with other settings is refused. */
  settings: Readonly<Record<string, unknown>>;
  /** Told after each chunk how many pictures are there. */
  onProgress?: (done: number) => void;
}

const MANIFEST = 'samples.json';

/**
 * Fills a folder with samples, picture by picture, in memory that does not grow with their number. Picture i depends on the
 * settings, the seed and i alone, and pictures that are there are kept: a set that was interrupted, or that several processes
 * make together, each chunk by one of them, is the set that one run makes.
 *
 * @throws DiffusionError `DIFFUSION_OTHER_SAMPLES` where the folder holds samples of other settings.
 */
export async function sampleSet(options: SampleSetOptions): Promise<void> {
  const { pipeline, folder, count, seed, settings, onProgress, chunkSize = 64, ...sampling } = options;
  labelsOf(sampling.classLabels, count, pipeline.unet);
  makeFolder(folder);
  claim(folder, { ...settings, seed, ...choicesOf(sampling) });
  const make = async (first: number, batchSize: number) => {
    const missing = missingOf(folder, first, batchSize);
    if (missing.length === 0) return;
    const chunk = { first, batchSize, chunkSize, ...labelsOfChunk(sampling.classLabels, first, batchSize) };
    const images = await pipeline.sample({ ...sampling, ...chunk, generator: seed });
    try {
      await writeImages(folder, first, images, missing);
    } finally {
      images.dispose();
    }
  };
  let open = Array.from({ length: Math.ceil(count / chunkSize) }, (_, chunk) => chunk * chunkSize);
  while (open.length > 0) {
    const taken: number[] = [];
    let made = false;
    for (const first of open) {
      sampling.signal?.throwIfAborted();
      const batchSize = Math.min(chunkSize, count - first);
      const unlock = tryLock(folder, `.${name(first)}.lock`);
      if (unlock === undefined) {
        taken.push(first);
        continue;
      }
      try {
        await make(first, batchSize);
        made = true;
      } finally {
        unlock();
      }
      onProgress?.(Math.min(count, samplePaths(folder).length));
    }
    open = taken;
    // What is left is in the hands of other processes, of which one may yet be killed.
    if (open.length > 0 && !made) await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** What of the options decides the pictures: all but how the work is divided and computed. */
function choicesOf(options: Omit<SampleOptions, 'batchSize'>): Record<string, unknown> {
  const { imageShape, numInferenceSteps, eta, useClippedModelOutput } = options;
  const { classLabels, guidanceScale, nullLabel, selfConditioning } = options;
  const steps = { imageShape, numInferenceSteps, eta, useClippedModelOutput };
  const conditions = { classLabels, guidanceScale, nullLabel, selfConditioning };
  return Object.fromEntries(Object.entries({ ...steps, ...conditions }).map(([name, value]) => [name, value ?? null]));
}

function missingOf(folder: string, first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i).filter((i) => !existsSync(pathOf(folder, i)));
}

/** Paths of the pictures of a set, in order. */
export function samplePaths(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^\d{8}\.png$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** Writes pictures `wanted` of a set, of which `images` are those from `first` on, values in [0, 1]. */
export async function writeImages(
  folder: string,
  first: number,
  images: tf.Tensor4D,
  wanted: readonly number[],
): Promise<void> {
  const [, height, width, channels] = images.shape;
  const values = await images.data();
  const size = height * width * channels;
  for (const index of wanted) {
    const part = values.subarray((index - first) * size, (index - first + 1) * size);
    const data = Uint8Array.from(part, (value) => Math.round(255 * value));
    await writePng(pathOf(folder, index), { data, width, height, channels });
  }
}

/** Writes down the settings of a new set, or compares them with those of the set that is there. */
function claim(folder: string, settings: Readonly<Record<string, unknown>>): void {
  const path = join(folder, MANIFEST);
  removeUnfinished(folder);
  const empty = samplePaths(folder).length === 0; // Asked first: another process writes the settings before its pictures.
  if (!existsSync(path)) {
    if (empty) return writeAtomically(path, `${JSON.stringify(settings, null, 2)}\n`);
  } else if (comparable(readFileSync(path, 'utf8')) === comparable(JSON.stringify(settings))) return;
  const message = `\`${folder}\` holds pictures that were made with other settings (see \`${path}\`). Name an empty folder.`;
  throw new DiffusionError('DIFFUSION_OTHER_SAMPLES', message);
}

/** Settings as text that says the same for the same, whatever their order and whether a default is named (null) or left out. */
function comparable(json: string): string {
  try {
    const settings = Object.entries(JSON.parse(json) as Record<string, unknown>);
    return JSON.stringify(settings.filter(([, value]) => value !== null).sort(([a], [b]) => (a < b ? -1 : 1)));
  } catch {
    return json;
  }
}

/** Removes what killed processes have left; the names hold their numbers. */
function removeUnfinished(folder: string): void {
  for (const file of readdirSync(folder)) {
    const pid = /\.(\d+)(\.old)?\.tmp$/.exec(file)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(folder, file), { force: true, recursive: true });
  }
}

function pathOf(folder: string, index: number): string {
  return join(folder, `${name(index)}.png`);
}

function name(index: number): string {
  return String(index).padStart(8, '0');
}
