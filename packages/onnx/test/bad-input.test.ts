import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { fromFunction, type Denoiser } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OnnxDenoiser, saveOnnx, toOnnx, type ExportOptions, type LoadOptions } from '@missing-u/onnx';
import { asItIs } from './agree.ts';

const size = { imageSize: 4, channels: 2 };
const folder = mkdtempSync(join(tmpdir(), 'missing-u-onnx-'));
const coded = (code: string, text: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(text) as string });

beforeAll(async () => {
  await useEngine('wasm', { threads: 1 });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('toOnnx refuses', () => {
  it('a kernel that ONNX has no operators for, with its place', async () => {
    const model = fromFunction((x) => tf.mul(x, tf.reshape(tf.topk(x, 1).values, [-1, 4, 4, 1])));
    const failed = expect(toOnnx(model, size));
    await failed.rejects.toEqual(coded('ONNX_UNSUPPORTED_KERNEL', /TopK.*bad-input\.test\.ts:\d+/));
  });

  it('a kernel inside of a module, with the path of the module', async () => {
    const model = new CUNet({ channels: 8, groups: 4, imageSize: 16 });
    const [, , down] = model.directMembers();
    const conv = (down!.member as CUNet).directMembers()[1]!.member as unknown as {
      conv: { forward(x: tf.Tensor4D): tf.Tensor4D };
    };
    const { forward } = conv.conv;
    Object.getPrototypeOf(conv.conv).forward = function (x: tf.Tensor4D) {
      // prettier-ignore
      if (this === conv.conv) tf.topk(x);
      return forward.call(this, x);
    };
    await expect(toOnnx(model)).rejects.toEqual(coded('ONNX_UNSUPPORTED_KERNEL', /`down\.0\.transition\.conv`/));
    Object.getPrototypeOf(conv.conv).forward = forward;
    model.dispose();
  });

  it('a kernel in a form that it has no operators for, with its place', async () => {
    const model = asItIs((x) => tf.stridedSlice(x, [0, 0], [0, 4], [1, 1], 1, 1, 1));
    await expect(toOnnx(model, size)).rejects.toEqual(
      coded('ONNX_UNSUPPORTED_KERNEL', /StridedSlice.*bad-input\.test\.ts:\d+.*ellipsis/),
    );
  });

  it.each<[string, (x: tf.Tensor4D) => tf.Tensor, RegExp]>([
    ['reversed images', (x) => tf.stridedSlice(x, [0], [0], [-1], 1, 1), /StridedSlice.*slice of the images/],
    ['the first image', (x) => tf.stridedSlice(x, [0], [1], [1], 0, 0), /StridedSlice/],
    ['sums of booleans', (x) => tf.add(tf.greater(x, 0), tf.less(x, 1)), /Add .*of bool.*float32 and int32/],
    ['functions of booleans', (x) => tf.relu(tf.greater(x, 0)), /Relu .*of bool/],
    ['floating-point functions of integers', (x) => tf.atan(tf.cast(x, 'int32')), /Atan .*of int32/],
    ['windows that stand outside', (x) => tf.avgPool(x, 3, 2, 0, 'ceil'), /AvgPool .*dimRoundingMode 'ceil'/],
    ['channels first', (x) => tf.depthToSpace(tf.concat([x, x], 1), 2, 'NCHW'), /NCHW/],
  ])('%s', async (_, predict, text) => {
    await expect(toOnnx(asItIs(predict), size)).rejects.toEqual(coded('ONNX_UNSUPPORTED_KERNEL', text));
  });

  it('what depends on values', async () => {
    const model = fromFunction((x) => (tf.max(x).dataSync()[0]! > 0 ? tf.neg(x) : tf.abs(x)));
    await expect(toOnnx(model, size)).rejects.toEqual(coded('ONNX_VALUE_DEPENDENT', /reads the values.*bad-input/));
    const caught = fromFunction((x) => {
      try {
        tf.max(x).dataSync();
      } catch {
        // A function that goes on all the same.
      }
      return tf.neg(x);
    });
    await expect(toOnnx(caught, size)).rejects.toEqual(coded('ONNX_VALUE_DEPENDENT', /reads the values/));
  });

  it('an adaptive solver', async () => {
    const model = new CUNet({ channels: 8, groups: 4, imageSize: 16, solver: { method: 'dopri5' } });
    await expect(toOnnx(model)).rejects.toEqual(coded('ONNX_VALUE_DEPENDENT', /fixed steps.*rk4/));
    model.dispose();
  });

  it('random numbers', async () => {
    const model = fromFunction((x) => tf.add(x, tf.randomNormal([4, 4, 2])));
    await expect(toOnnx(model, size)).rejects.toEqual(coded('ONNX_CALLS_DIFFER', /random/));
  });

  it.each<[string, (x: tf.Tensor4D) => tf.Tensor, RegExp]>([
    ['a number of images and one', (x) => tf.concat([x, tf.ones([1, 4, 4, 2])], 0), /does not grow with the batch/],
    ['another operation for more images', (x) => (x.shape[0] > 5 ? tf.neg(x) : tf.abs(x)), /runs Abs at .* and Neg/],
    ['more operations for more images', (x) => (x.shape[0] > 5 ? tf.neg(tf.abs(x)) : tf.abs(x)), /2 operations .* 3/],
    ['other numbers for more images', (x) => tf.mul(x, x.shape[0]), /constant .* has other values/],
    ['other settings for more images', (x) => tf.leakyRelu(x, 0.5 ** x.shape[0]), /`alpha` of LeakyRelu/],
  ])('shapes that differ between two calls: %s', async (_, predict, text) => {
    const model = asItIs(predict);
    await expect(toOnnx(model, size)).rejects.toEqual(coded('ONNX_CALLS_DIFFER', text));
  });

  it.each<[string, unknown, RegExp]>([
    ['a promise', (x: tf.Tensor4D) => Promise.resolve(tf.neg(x)), /a promise/],
    ['a constant', () => tf.zeros([1, 4, 4, 2]), /does not depend on the images/],
    ['its input', (x: tf.Tensor4D) => x, /the images themselves/],
    ['nothing', () => undefined, /does not depend on the images/],
    ['rows', (x: tf.Tensor4D) => tf.sum(x, [1, 2]), /rank 2/],
  ])('a function that returns %s', async (_, predict, text) => {
    await expect(toOnnx({ predict } as Denoiser, size)).rejects.toEqual(coded('ONNX_NOT_A_DENOISER', text));
  });

  it.each<[unknown, RegExp]>([
    [{ imageSize: 0, channels: 1 }, /`imageSize` is 0/],
    [{ imageSize: [8], channels: 1 }, /`imageSize`/],
    [{ imageSize: 8 }, /`channels` is undefined/],
    [{ ...size, batch: 1.5 }, /`batch` is 1\.5/],
    [{ ...size, weights: 'int8' }, /`weights` is 'int8'/],
    [{ ...size, timestepType: 'int32' }, /`timestepType`/],
    [{ ...size, conditions: { label: { shape: [-1] } } }, /`conditions\.label\.shape`/],
    [{ ...size, conditions: { label: { dtype: 'string' } } }, /`conditions\.label\.dtype`/],
    [{ ...size, conditions: { label: { shape: 3 } } }, /`conditions\.label\.shape` is 3/],
    [{ ...size, conditions: { label: undefined } }, /`conditions\.label` is undefined/],
    [{ ...size, conditions: ['label'] }, /`conditions` is \['label'\]/],
    [{ ...size, conditions: null }, /`conditions` is null/],
    [{ ...size, conditions: { sample: {} } }, /`conditions` is 'sample'.*`sample` is taken/],
    [{ ...size, conditions: { outSample: {} } }, /`conditions` is 'outSample'.*`out_sample` is taken/],
    [{ ...size, conditions: { classLabels: {}, class_labels: {} } }, /'class_labels'.*`classLabels` is taken/],
    [{ ...size, scheduler: {} }, /`scheduler` is {/],
    [{ ...size, scheduler: 'ddim' }, /`scheduler` is 'ddim'/],
    [{ ...size, metadata: null }, /`metadata` is null/],
    [null, /`options` is null/],
    [{ ...size, batchSize: 3 }, /`option` is 'batchSize'.*Did you mean 'batch'|Allowed: /],
  ])('the options %o', async (options, text) => {
    const model = fromFunction((x) => tf.neg(x));
    await expect(toOnnx(model, options as ExportOptions)).rejects.toEqual(coded('ONNX_OPTION', text));
  });

  it('what is no denoiser', async () => {
    await expect(toOnnx({} as Denoiser, size)).rejects.toEqual(coded('ONNX_OPTION', /`denoiser`/));
  });

  it('and writes nothing', async () => {
    const model = fromFunction((x) => (tf.max(x).dataSync()[0]! > 0 ? tf.neg(x) : x));
    await expect(saveOnnx(model, join(folder, 'model.onnx'), size)).rejects.toEqual(coded('ONNX_VALUE_DEPENDENT', /./));
    await expect(saveOnnx(model, '', size)).rejects.toEqual(coded('ONNX_OPTION', /`path`/));
    const good = fromFunction((x) => tf.neg(x));
    await expect(saveOnnx(good, join(folder, 'absent', 'model.onnx'), size)).rejects.toThrow(/ENOENT/);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('OnnxDenoiser refuses', () => {
  const file = () =>
    toOnnx(
      fromFunction((x, t) => tf.add(tf.neg(x), tf.reshape(t, [-1, 1, 1, 1]))),
      size,
    );

  it('nothing where it is disposed twice', async () => {
    const model = await OnnxDenoiser.load(await file());
    await model.dispose();
    await expect(model.dispose()).resolves.toBeUndefined();
  });

  it('a file that is cut off, at any place', async () => {
    const bytes = await file();
    for (let length = 0; length < bytes.length; length += 7) {
      const failed = expect(OnnxDenoiser.load(bytes.subarray(0, length)), `${length} bytes`);
      await failed.rejects.toEqual(coded('ONNX_INVALID_FILE', /cut off|no graph|refuses it/));
    }
  });

  it('other files', async () => {
    const text = new TextEncoder().encode('PK\u0003\u0004 this is no model');
    await expect(OnnxDenoiser.load(text)).rejects.toEqual(coded('ONNX_INVALID_FILE', /./));
    await expect(OnnxDenoiser.load(join(folder, 'absent.onnx'))).rejects.toEqual(
      coded('ONNX_INVALID_FILE', /absent\.onnx.*ENOENT/),
    );
    await expect(OnnxDenoiser.load(7 as never)).rejects.toEqual(coded('ONNX_OPTION', /`model` is 7/));
  });

  it('a config of a scheduler that is no JSON', async () => {
    const model = fromFunction((x) => tf.neg(x));
    const onnx = await OnnxDenoiser.load(await toOnnx(model, { ...size, metadata: { scheduler_config: '{' } }));
    expect(() => onnx.schedulerConfig).toThrow(coded('ONNX_INVALID_FILE', /`scheduler_config`/));
    await onnx.dispose();
  });

  it('a model that takes no times', async () => {
    const bytes = await file();
    // The name and rank of an input are what tells times from images.
    const at = new TextDecoder('latin1').decode(bytes);
    expect(at).toContain('timestep');
    const { writeModel } = await import('../src/model/write.ts');
    const port = { name: 'image', type: 'float32', dims: [1, 3, 8, 8] } as const;
    const model = writeModel({
      name: 'classifier', opset: 17, producer: '', producerVersion: '', description: '', metadata: {}, initializers: [],
      inputs: [port], outputs: [{ ...port, name: 'classes' }],
      nodes: [{ operator: 'Neg', name: 'n', inputs: ['image'], outputs: ['classes'], attributes: {} }],
    }); // prettier-ignore
    await expect(OnnxDenoiser.load(model)).rejects.toEqual(coded('ONNX_NOT_A_DENOISER', /image \[1, 3, 8, 8\]/));
  });

  it.each<[unknown, string, RegExp]>([
    [{ providers: ['tpu'] }, 'ONNX_PROVIDER', /'tpu'.*cpu/],
    [null, 'ONNX_OPTION', /`options` is null/],
    [{ providers: 'cpu' }, 'ONNX_OPTION', /`providers` is 'cpu'/],
    [{ threads: 0 }, 'ONNX_OPTION', /`threads` is 0/],
    [{ sessionOptions: { executionMode: 'fast' } }, 'ONNX_OPTION', /sessionOptions\.executionMode.*fast/],
    [{ layout: 'CHW' }, 'ONNX_OPTION', /`layout` is 'CHW'/],
    [{ thread: 2 }, 'ONNX_OPTION', /'thread'.*Did you mean 'threads'/],
  ])('the options %o', async (options, code, text) => {
    await expect(OnnxDenoiser.load(await file(), options as LoadOptions)).rejects.toEqual(coded(code, text));
  });

  it('images and times that do not fit', async () => {
    const onnx = await OnnxDenoiser.load(await file());
    const refuses = (sample: unknown, times: unknown, text: RegExp, conditions?: unknown) =>
      expect(onnx.predict(sample as never, times as never, conditions as never)).rejects.toEqual(
        coded('ONNX_INPUT', text),
      );
    await refuses(tf.zeros([1, 8, 8, 2]), 1, /\[1, 8, 8, 2\].*\[N, 4, 4, 2\].*resize/);
    await refuses(tf.zeros([4, 4, 2]), 1, /`sample`/);
    await refuses(tf.zeros([1, 4, 4, 2], 'int32'), 1, /`sample`/);
    await refuses(new Float32Array(33), 1, /32 numbers per image/);
    await refuses(new Float32Array(0), 1, /32 numbers per image/);
    await refuses({ data: new Float32Array(31), shape: [1, 4, 4, 2] }, 1, /`sample`/);
    await refuses([1, 2], 1, /`sample`/);
    await refuses(new Float32Array(64), [1, 2, 3], /one per image \(2\)/);
    await refuses(new Float32Array(32), NaN, /finite/);
    await refuses(new Float32Array(32), [], /finite/);
    await refuses(new Float32Array(32), undefined, /`timesteps` is undefined/);
    await refuses(new Float32Array(32), null, /`timesteps` is null/);
    await refuses(new Float32Array(32), '5', /`timesteps` is '5'/);
    await refuses(new Float32Array(32), 1, /`conditions` is null/, null);
    await refuses(new Float32Array(32), 1, /takes no conditions, but `text`/, { text: [1] });
    await onnx.dispose();
    const fixed = await OnnxDenoiser.load(
      await toOnnx(
        fromFunction((x) => tf.neg(x)),
        { ...size, batch: 2 },
      ),
    );
    const nothing = { data: new Float32Array(0), shape: [0, 4, 4, 2] };
    await expect(fixed.predict(nothing, 1)).rejects.toEqual(coded('ONNX_INPUT', /`sample` .*\[N, 4, 4, 2\]/));
    await expect(fixed.predict(new Float32Array(96), [1, 2])).rejects.toEqual(coded('ONNX_INPUT', /per image \(3\)/));
    await fixed.dispose();
  });

  it('conditions that do not fit', async () => {
    const model = { predict: (x: tf.Tensor4D, t: tf.Tensor1D, { label }: { label: tf.Tensor2D }) => tf.add(x, tf.reshape(tf.sum(label, 1), [-1, 1, 1, 1])) }; // prettier-ignore
    const bytes = await toOnnx(model as unknown as Denoiser, { ...size, conditions: { label: { shape: [3] } } });
    const onnx = await OnnxDenoiser.load(bytes);
    const predict = (conditions?: never) => onnx.predict(new Float32Array(32), 1, conditions);
    await expect(predict()).rejects.toEqual(coded('ONNX_INPUT', /needs the condition `label` \[batch, 3\]/));
    await expect(predict({ label: [1, 2] } as never)).rejects.toEqual(coded('ONNX_INPUT', /`conditions\.label`/));
    await expect(predict({ label: 5 } as never)).rejects.toEqual(coded('ONNX_INPUT', /`conditions\.label` is 5/));
    await expect(predict({ label: null } as never)).rejects.toEqual(coded('ONNX_INPUT', /`conditions\.label` is null/));
    expect((await predict({ label: [1, 2, 3] } as never))[0]).toBe(6);
    await onnx.dispose();
    const whole = await OnnxDenoiser.load(
      await toOnnx(
        {
          predict: (x: tf.Tensor4D, t: tf.Tensor1D, { label }: { label: tf.Tensor1D }) =>
            tf.add(x, tf.reshape(tf.cast(label, 'float32'), [-1, 1, 1, 1])),
        } as unknown as Denoiser,
        { ...size, conditions: { label: { dtype: 'int32' } } },
      ),
    );
    for (const bad of [1.5, NaN]) {
      const given = whole.predict(new Float32Array(32), 1, { label: [bad] });
      await expect(given).rejects.toEqual(coded('ONNX_INPUT', /`conditions\.label`.*whole numbers/));
    }
    await whole.dispose();
  });

  it('no condition for the names of tensors in a file', async () => {
    const model = { predict: (x: tf.Tensor4D, t: tf.Tensor1D, { t0, c0 }: Record<string, tf.Tensor>) => tf.mul(tf.add(x, tf.reshape(t0!, [-1, 1, 1, 1])), tf.reshape(tf.add(c0!, 3), [-1, 1, 1, 1])) }; // prettier-ignore
    const bytes = await toOnnx(model as unknown as Denoiser, { ...size, conditions: { t0: {}, c0: {} } });
    const onnx = await OnnxDenoiser.load(bytes);
    expect((await onnx.predict(new Float32Array(32).fill(1), 1, { t0: [1], c0: [2] }))[0]).toBe(10);
    await onnx.dispose();
  });

  it('to do without its runtime, and says how to get it', async () => {
    const bytes = await file();
    const { platform } = await import('../src/run/platform-node.ts');
    const { load } = platform;
    Object.assign(platform, { load: () => Promise.reject(new Error("Cannot find package 'onnxruntime-node'")) });
    try {
      await expect(OnnxDenoiser.load(bytes)).rejects.toEqual(coded('ONNX_NO_RUNTIME', /npm install onnxruntime-node/));
    } finally {
      Object.assign(platform, { load });
    }
  });
});
