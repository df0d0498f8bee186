import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { useEngine } from '@missing-u/engine';
import { OnnxDenoiser, toOnnx } from '@missing-u/onnx';
import type { Denoiser } from '../contracts.ts';
import type { ImageShape } from '../pipelines/image-shape.ts';
import { exportConditions } from '../pipelines/labels.ts';
import {
  checkIsRun,
  openModel,
  schedulerOfChain,
  weightsHash,
  type OpenedModel,
  type OpenOptions,
} from '../runs/open-model.ts';

/** A model to sample from, whatever runs it. */
export interface SampledModel extends Pick<OpenedModel, 'imageShape' | 'schedulerFor'> {
  network: Denoiser;
  /** Tells its weights from others. */
  weights: string;
  dispose(): void | Promise<void>;
}

export interface OnnxOptions extends OpenOptions {
  threads?: number;
}

/**
 * A model that onnxruntime runs: an ONNX file, or what `openModel` opens, written as one in memory. The steps of the sampler are
 * computed by the engine that needs nothing, `cpu`: they are little beside the network.
 */
export async function openOnnx(model: string, { threads, ...options }: OnnxOptions): Promise<SampledModel> {
  await useEngine('cpu');
  const runtime = threads === undefined ? {} : { threads };
  if (model.endsWith('.onnx')) {
    checkIsRun(model, false, options);
    const denoiser = await OnnxDenoiser.load(model, runtime);
    const chain = { ...denoiser.schedulerConfig };
    if (denoiser.predictionType !== undefined) chain['prediction_type'] ??= denoiser.predictionType;
    return {
      ...opened(denoiser, shapeOf(denoiser, options)),
      weights: createHash('sha256').update(readFileSync(model)).digest('hex'),
      schedulerFor: (name) => schedulerOfChain(chain, name),
    };
  }
  const { network, imageShape, schedulerFor } = await openModel(model, options);
  try {
    const [height, width, channels] = imageShape;
    const conditions = exportConditions(network);
    const bytes = await toOnnx(network, { imageSize: [height, width], channels, conditions });
    const denoiser = await OnnxDenoiser.load(bytes, runtime);
    return { ...opened(denoiser, imageShape), weights: weightsHash(network), schedulerFor };
  } finally {
    network.dispose();
  }
}

function opened(denoiser: OnnxDenoiser, imageShape: ImageShape) {
  return { network: denoiser as unknown as Denoiser, imageShape, dispose: () => denoiser.dispose() };
}

/** That of the file, or what is asked for where the file takes images of any size. */
function shapeOf({ imageSize, channels }: OnnxDenoiser, { size, channels: wanted }: OpenOptions): ImageShape {
  const [height, width] = imageSize ?? [size, size];
  return [height ?? 32, width ?? 32, channels ?? wanted ?? 3];
}
