import { useEngine } from '@missing-u/engine';
import { OnnxDenoiser, toOnnx } from '@missing-u/onnx';
import type { Generator } from '@missing-u/random';
import type { SamplingScheduler } from '../contracts.ts';
import { generatorsOf } from '../pipelines/noise.ts';
import { checkWritable } from '../runs/files.ts';
import { interruptible } from './interrupt.ts';
import { openModel, schedulerOfChain } from '../runs/open-model.ts';
import { startProgress } from './progress.ts';
import { writeSamples } from './write-samples.ts';

interface OnnxOptions {
  /** Folder of a run or a pipeline, or an ONNX file. */
  model: string;
  scheduler: string;
  steps: number;
  count: number;
  batch: number;
  seed: number;
  eta?: number;
  threads?: number;
  /** The picture. */
  out: string;
  npz?: string;
}

/** What the loop needs of a scheduler that computes on arrays. */
type ArrayScheduler = Pick<SamplingScheduler, 'timesteps' | 'initNoiseSigma' | 'setTimesteps'> & {
  scaleModelInput(sample: Float32Array, timestep: number): Float32Array;
  step(
    output: Float32Array,
    timestep: number,
    sample: Float32Array,
    options: { readonly noise: Float32Array; eta?: number },
  ): { prevSample: Float32Array };
};

/** Samples images with onnxruntime, on arrays, and writes them as a grid: the noise and so the images of the other engines. */
export async function sampleOnnx(options: OnnxOptions): Promise<{ seconds: number }> {
  const { count, batch, steps, out, npz } = options;
  for (const file of npz === undefined ? [out] : [out, npz]) checkWritable(file);
  const { denoiser, scheduler } = await open(options);
  try {
    const shape = [...denoiser.imageSize!, denoiser.channels!] as [number, number, number];
    const size = shape.reduce((a, b) => a * b, 1);
    const begin = performance.now();
    const progress = startProgress('sampling', Math.ceil(count / batch) * steps);
    const images = new Float32Array(count * size);
    let done = 0;
    await interruptible(async (signal) => {
      for (let start = 0; start < count; start += batch) {
        const generators = generatorsOf(options.seed, start, Math.min(batch, count - start));
        const sample = await reverse(denoiser, scheduler, generators, shape, options, (timestep) => {
          signal.throwIfAborted();
          progress.update(++done, `t ${timestep}`);
        });
        images.set(sample, start * size);
      }
    }).finally(() => progress.stop());
    const seconds = (performance.now() - begin) / 1000;
    const data = images.map((value) => Math.min(Math.max(value * 0.5 + 0.5, 0), 1));
    await writeSamples({ data, shape: [count, ...shape] }, out, npz);
    return { seconds };
  } finally {
    await denoiser.dispose();
  }
}

/** A file as it is; a folder's network is written as one first, in memory. */
async function open({ model, scheduler: name, threads }: OnnxOptions) {
  const options = threads === undefined ? {} : { threads };
  if (model.endsWith('.onnx')) {
    const denoiser = await OnnxDenoiser.load(model, options);
    const chain = { ...denoiser.schedulerConfig };
    if (denoiser.predictionType !== undefined) chain['prediction_type'] ??= denoiser.predictionType;
    return { denoiser, scheduler: schedulerOfChain(chain, name) as unknown as ArrayScheduler };
  }
  await useEngine('cpu');
  const { network, imageShape, schedulerFor } = await openModel(model);
  const [height, width, channels] = imageShape;
  try {
    const bytes = await toOnnx(network, { imageSize: [height, width], channels });
    return {
      denoiser: await OnnxDenoiser.load(bytes, options),
      scheduler: schedulerFor(name) as unknown as ArrayScheduler,
    };
  } finally {
    network.dispose();
  }
}

/** The reverse process of one batch of images. */
async function reverse(
  denoiser: OnnxDenoiser,
  scheduler: ArrayScheduler,
  generators: readonly Generator[],
  shape: readonly [number, number, number],
  { steps, eta }: OnnxOptions,
  visit: (timestep: number) => void,
): Promise<Float32Array> {
  scheduler.setTimesteps(steps);
  let sample = noiseOf(generators, shape).map((value) => value * scheduler.initNoiseSigma);
  const stepOptions = {
    ...(eta !== undefined && { eta }),
    // Drawn when it is asked for: a step without noise does not move the generators.
    get noise() {
      return noiseOf(generators, shape);
    },
  };
  for (const timestep of Array.from(scheduler.timesteps)) {
    const output = await denoiser.predict(scheduler.scaleModelInput(sample, timestep), timestep);
    sample = Float32Array.from(scheduler.step(output, timestep, sample, stepOptions).prevSample);
    visit(timestep);
  }
  return sample;
}

/** As `noisePerItem` draws it: image by image, channel by channel. */
function noiseOf(
  generators: readonly Generator[],
  [height, width, channels]: readonly [number, number, number],
): Float32Array {
  const pixels = height * width;
  const values = new Float32Array(generators.length * pixels * channels);
  const drawn = new Float32Array(pixels * channels);
  generators.forEach((generator, item) => {
    generator.fillNormal(drawn);
    for (let channel = 0; channel < channels; channel++) {
      for (let pixel = 0; pixel < pixels; pixel++) {
        values[(item * pixels + pixel) * channels + channel] = drawn[channel * pixels + pixel]!;
      }
    }
  });
  return values;
}
