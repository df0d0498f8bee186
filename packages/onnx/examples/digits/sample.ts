import type { Images, OnnxDenoiser } from '@missing-u/onnx';
import { createGenerator, DDIMScheduler } from '@missing-u/schedulers';

/**
 * Samples images with a model that onnxruntime runs, on plain arrays: [count, height, width, channels], in [-1, 1]. It is
 * the same in a page and in Node.
 */
export async function sample(
  unet: OnnxDenoiser,
  { count = 16, steps = 20, seed = 0, onStep = (_t: number): void => undefined } = {},
): Promise<Images> {
  const [height, width] = unet.imageSize!;
  const shape = [count, height, width, unet.channels!];
  const scheduler = new DDIMScheduler(unet.schedulerConfig ?? {});
  scheduler.setTimesteps(steps);

  let images = createGenerator(seed).fillNormal(new Float32Array(count * height * width * unet.channels!));
  for (const t of scheduler.timesteps) {
    const prediction = await unet.predict(images, t);
    images = scheduler.step(prediction, t, images, { shape }).prevSample;
    onStep(t);
  }
  return { data: images, shape };
}
