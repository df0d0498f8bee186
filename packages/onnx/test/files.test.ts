import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { DDPMScheduler } from '@missing-u/schedulers';
import { fromFunction } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OnnxDenoiser, saveOnnx, toOnnx } from '@missing-u/onnx';
import { writeModel } from '../src/model/write.ts';
import { normal, relativeDifference } from './agree.ts';

const folder = mkdtempSync(join(tmpdir(), 'missing-u-onnx-'));
const path = (name: string) => join(folder, name);
let model: CUNet;

beforeAll(async () => {
  await useEngine('wasm', { threads: 1 });
  model = new CUNet({ channels: 16, imageSize: 16 });
});
afterAll(() => {
  model.dispose();
  rmSync(folder, { recursive: true });
});

const weightBytes = () => 4 * model.parameterCount;

describe('a file', () => {
  it('weighs what the weights weigh, and three percent', async () => {
    const bytes = await toOnnx(model);
    expect(bytes.length / weightBytes()).toBeLessThan(1.03);
    expect(bytes.length).toBeGreaterThan(weightBytes());
  });

  it('takes 1, 3 and 16 images, or as many as it was made for', async () => {
    const onnx = await OnnxDenoiser.load(await toOnnx(model, { batch: 'dynamic' }), { threads: 1 });
    for (const images of [1, 3, 16]) {
      const x = normal([images, 16, 16, 3]) as tf.Tensor4D;
      const expected = model.predict(x, 300).dataSync();
      expect(relativeDifference((await onnx.predict(x, 300)).dataSync(), expected)).toBeLessThan(1e-5);
    }
    await onnx.dispose();
  });

  it('can have weights of half the size', async () => {
    const bytes = await toOnnx(model, { weights: 'float16' });
    expect(bytes.length / weightBytes()).toBeLessThan(0.53);
    const onnx = await OnnxDenoiser.load(bytes, { threads: 1 });
    const x = normal([2, 16, 16, 3]) as tf.Tensor4D;
    const difference = relativeDifference((await onnx.predict(x, 300)).dataSync(), model.predict(x, 300).dataSync());
    expect(difference).toBeLessThan(5e-3);
    expect(difference).toBeGreaterThan(1e-5);
    await onnx.dispose();
  });

  it('has its weights beside it where one file may not hold them', async () => {
    const files = [path('apart.onnx'), path('apart.onnx.data')];
    expect(await saveOnnx(model, path('apart.onnx'), { largestFile: weightBytes() * 2 })).toEqual([files[0]]);
    rmSync(files[0]!);
    expect(await saveOnnx(model, path('apart.onnx'), { largestFile: weightBytes() / 2 })).toEqual(files);
    await expect(saveOnnx(model, path('never.onnx'), { largestFile: -1 })).rejects.toMatchObject({
      code: 'ONNX_OPTION',
    });
    expect(existsSync(path('never.onnx'))).toBe(false);
    expect(statSync(path('apart.onnx')).size).toBeLessThan(0.06 * weightBytes());
    expect(readdirSync(folder).filter((name) => name.includes('part') && !name.startsWith('apart'))).toEqual([]);
    const onnx = await OnnxDenoiser.load(path('apart.onnx'), { threads: 1 });
    const x = normal([2, 16, 16, 3]) as tf.Tensor4D;
    expect(relativeDifference((await onnx.predict(x, 300)).dataSync(), model.predict(x, 300).dataSync())).toBeLessThan(
      1e-5,
    );
    await onnx.dispose();
    const alone = await toOnnx(model);
    await saveOnnx(model, path('whole.onnx'));
    expect(Buffer.compare(readFileSync(path('whole.onnx')), alone)).toBe(0);
  });

  it('says what is in it', async () => {
    const scheduler = new DDPMScheduler({ prediction_type: 'sample' });
    const onnx = await OnnxDenoiser.load(await toOnnx(model, { scheduler, metadata: { author: 'me' } }), {
      threads: 1,
    });
    expect(onnx).toMatchObject({ imageSize: [16, 16], channels: 3, predictionType: 'sample' });
    expect(onnx.schedulerConfig).toMatchObject({ _class_name: 'DDPMScheduler', num_train_timesteps: 1000 });
    expect(onnx.metadata).toMatchObject({
      package: '@missing-u/onnx',
      network: 'CUNet',
      preset: 'cunet',
      layout: 'NCHW',
      author: 'me',
    });
    expect(JSON.parse(onnx.metadata['network_config']!)).toEqual(JSON.parse(JSON.stringify(model.config)));
    await onnx.dispose();
  });

  it('can take whole times, as some pipelines give them', async () => {
    const onnx = await OnnxDenoiser.load(await toOnnx(model, { timestepType: 'int64' }), { threads: 1 });
    const x = normal([2, 16, 16, 3]) as tf.Tensor4D;
    const actual = (await onnx.predict(x, [300, 20])).dataSync();
    expect(relativeDifference(actual, model.predict(x, [300, 20]).dataSync())).toBeLessThan(1e-5);
    await onnx.dispose();
  });
});

describe('a U-Net of someone else', () => {
  /** x · t + context, as a file that knows nothing of this package: whole times of rank 1, a context, sizes that vary. */
  const foreign = (channelsLast: boolean) => {
    const image = channelsLast ? ['n', 8, 8, 3] : ['batch', 3, 'height', 'width'];
    return writeModel({
      name: 'foreign', opset: 17, producer: 'pytorch', producerVersion: '2', description: '', metadata: {},
      inputs: [
        { name: 'x', type: 'float32', dims: image },
        { name: 't', type: 'int64', dims: [] },
        { name: 'encoder_hidden_states', type: 'float32', dims: [1] },
      ],
      outputs: [{ name: 'y', type: 'float32', dims: image }],
      nodes: [
        { operator: 'Cast', name: 'a', inputs: ['t'], outputs: ['time'], attributes: { to: 1 } },
        { operator: 'Mul', name: 'b', inputs: ['x', 'time'], outputs: ['product'], attributes: {} },
        { operator: 'Add', name: 'c', inputs: ['product', 'encoder_hidden_states'], outputs: ['y'], attributes: {} },
      ],
      initializers: [],
    }); // prettier-ignore
  };

  it.each([true, false])('is a denoiser (channels last: %s)', async (channelsLast) => {
    const onnx = await OnnxDenoiser.load(foreign(channelsLast), { threads: 1 });
    expect(onnx.imageSize).toEqual(channelsLast ? [8, 8] : undefined);
    expect(onnx.metadata).toEqual({});
    const x = normal([2, 8, 8, 3]) as tf.Tensor4D;
    const actual = await onnx.predict(x, 3, { encoderHiddenStates: [2] });
    expect(actual).toBeAllClose(tf.add(tf.mul(x, 3), 2));
    await expect(onnx.predict(x, [1, 2], { encoderHiddenStates: [2] })).rejects.toMatchObject({ code: 'ONNX_INPUT' });
    await onnx.dispose();
  });
});

it('exports a function of anybody, which runs again from its path', async () => {
  const shrink = fromFunction((x, t) => tf.mul(x, tf.reshape(tf.exp(tf.neg(tf.div(t, 1000))), [-1, 1, 1, 1])));
  const [file] = await saveOnnx(shrink, path('shrink.onnx'), { imageSize: 8, channels: 1 });
  const onnx = await OnnxDenoiser.load(file!);
  const result = await onnx.predict(new Float32Array(64).fill(1), 1000);
  expect(result[0]).toBeCloseTo(Math.exp(-1), 6);
  await onnx.dispose();
});
