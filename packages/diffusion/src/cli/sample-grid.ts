import { existsSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Denoiser, SamplingScheduler } from '../contracts.ts';
import { imageGrid } from '../images/grid.ts';
import { writePng } from '../images/png.ts';
import { DiffusionPipeline } from '../pipelines/diffusion-pipeline.ts';
import type { ImageShape } from '../pipelines/image-shape.ts';
import { checkWritable, writeAtomically } from '../runs/files.ts';
import { ByteFile, writeNpzArray } from '../runs/npz-file.ts';
import { interruptible } from './interrupt.ts';
import { startProgress } from './progress.ts';

interface GridOptions {
  network: Denoiser;
  imageShape: ImageShape;
  scheduler: SamplingScheduler;
  steps: number;
  count: number;
  batch: number;
  seed: number;
  eta?: number;
  classLabels?: number;
  guidanceScale?: number;
  compile?: boolean;
  /** What else decides the pictures, to tell whether an interrupted sampling can be gone on with. */
  settings: Readonly<Record<string, unknown>>;
  /** The picture. */
  out: string;
  /** Also the bytes of all images, as array `samples`, uint8 NHWC. */
  npz?: string;
}

/** Images on a picture: more cannot be told apart. */
const MOST_SHOWN = 400;

/**
 * Samples images with a progress bar and writes them as a grid. They go to the disk batch by batch, so that any number takes the
 * memory of one batch, and the same command goes on where an interrupted one stopped.
 */
export async function sampleGrid(options: GridOptions): Promise<{ seconds: number }> {
  const { imageShape, count, batch, steps, out, npz } = options;
  for (const file of npz === undefined ? [out] : [out, npz]) checkWritable(file);
  const size = imageShape.reduce((product, side) => product * side, 1);
  const partial = partialFile(npz ?? out, options);
  const samples = new ByteFile(partial, size * batch);
  const begin = performance.now();
  try {
    const first = Math.min(count, samples.length / size);
    await append(options, samples, first);
    const shown = Math.min(count, MOST_SHOWN);
    const data = Float32Array.from(Buffer.concat([...copies(samples.read(shown * size))]), (value) => value / 255);
    await writePng(out, imageGrid({ data, shape: [shown, ...imageShape] }));
    if (npz !== undefined) writeNpzArray(npz, 'samples', [count, ...imageShape], samples.read(count * size));
    if (shown < count) process.stderr.write(`the first ${shown} of ${count} images are on ${out}\n`);
  } finally {
    samples.close();
    // What failed before its first image left nothing to go on with.
    if (samples.length === 0) removePartial(partial);
  }
  removePartial(partial);
  return { seconds: (performance.now() - begin) / 1000 };

  /** The images from `start` on. */
  async function append({ network, scheduler, seed }: GridOptions, file: ByteFile, start: number): Promise<void> {
    if (start > 0) process.stderr.write(`going on after ${start} images\n`);
    const { eta, classLabels, guidanceScale, compile } = options;
    const pipeline = new DiffusionPipeline({ unet: network, scheduler });
    const batches = Math.ceil(count / batch);
    const progress = startProgress('sampling', batches * steps, (start / batch) * steps);
    try {
      await interruptible(async (signal) => {
        for (let first = start; first < count; first += batch) {
          const batchSize = Math.min(batch, count - first);
          const { data } = await pipeline.sample({
            imageShape,
            batchSize,
            first,
            numInferenceSteps: steps,
            generator: seed,
            outputType: 'bytes',
            signal,
            callbackOnStepEnd: (_pipeline, step, timestep) =>
              progress.update(Math.min(batches * steps, (first / batch) * steps + step + 1), `t ${timestep}`),
            ...(eta === undefined ? {} : { eta }),
            ...(classLabels === undefined ? {} : { classLabels }),
            ...(guidanceScale === undefined ? {} : { guidanceScale }),
            ...(compile === false && { compile }),
          });
          file.append(data);
        }
      });
    } finally {
      progress.stop();
      pipeline.dispose();
    }
  }
}

/** Where images lie until all are there; one that was made with other settings is begun anew. */
function partialFile(target: string, options: GridOptions): string {
  const { settings, imageShape, steps, seed, batch, eta, classLabels, guidanceScale } = options;
  const path = join(dirname(target), `.${basename(target)}.partial`);
  const wanted = JSON.stringify({ ...settings, imageShape, steps, seed, batch, eta, classLabels, guidanceScale });
  const same = existsSync(`${path}.json`) && readFileSync(`${path}.json`, 'utf8') === wanted;
  if (same) return path;
  rmSync(path, { force: true });
  writeAtomically(`${path}.json`, wanted);
  return path;
}

function removePartial(path: string): void {
  for (const file of [path, `${path}.json`]) rmSync(file, { force: true });
}

function* copies(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const piece of pieces) yield Uint8Array.from(piece);
}
