import { useEngine } from '@missing-u/engine';
import { fromFunction } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { OnnxDenoiser, toOnnx, type OnnxRuntime } from '@missing-u/onnx';

const size = { imageSize: 4, channels: 2 };
const negative = fromFunction((x) => tf.neg(x));
const coded = (code: string, text: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(text) as string });

beforeAll(() => useEngine('wasm', { threads: 1 }).then(() => undefined));
afterEach(() => vi.doUnmock('../src/export.ts'));

it('refuses weights that one file cannot hold, and says what can', async () => {
  const initializers = [{ name: 'w', dims: [2 ** 29], type: 'float32', bytes: { length: 2 ** 31 } }];
  vi.doMock('../src/export.ts', () => ({ exportModel: () => Promise.resolve({ initializers }), writeModel: vi.fn() }));
  await expect(toOnnx(negative, size)).rejects.toEqual(coded('ONNX_TOO_LARGE', /2147483648 bytes.*saveOnnx/));
});

/** A runtime that does not do what is asked of it. */
function failing(create: OnnxRuntime['InferenceSession']['create']): OnnxRuntime {
  const Tensor = class {
    readonly type = 'float32';
    readonly dims = [];
    readonly data = [];
  };
  return { Tensor, InferenceSession: { create } };
}

it('goes on with the next provider where one does not start', async () => {
  const bytes = await toOnnx(negative, size);
  const tried: string[][] = [];
  const runtime = failing((_: never, { executionProviders }: { executionProviders: string[] }) => {
    tried.push(executionProviders);
    return executionProviders.includes('cuda')
      ? Promise.reject(new Error('OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library'))
      : Promise.resolve({ run: () => Promise.resolve({}), release: () => Promise.resolve() });
  });
  await OnnxDenoiser.load(bytes, { runtime, providers: ['cpu', 'cuda', 'dml'] });
  expect(tried).toEqual([
    ['cpu', 'cuda', 'dml'],
    ['cpu', 'dml'],
  ]);
  const built = Object.assign(runtime, { listSupportedBackends: () => [{ name: 'cpu' }] });
  await OnnxDenoiser.load(bytes, { runtime: built, providers: ['dml', 'cpu'] });
  expect(tried.at(-1)).toEqual(['cpu']);
});

it('says where the runtime failed', async () => {
  const bytes = await toOnnx(negative, size);
  const out = () => Promise.reject(new Error('bad_alloc'));
  const full = failing(() => Promise.resolve({ run: out, release: () => Promise.resolve() }));
  const onnx = await OnnxDenoiser.load(bytes, { runtime: full });
  await expect(onnx.predict(new Float32Array(32), 1)).rejects.toEqual(coded('ONNX_RUN', /bad_alloc/));

  const none = failing(() => Promise.reject(new Error('no available backend found. ERR: [wasm] 404')));
  await expect(OnnxDenoiser.load(bytes, { runtime: none, providers: ['wasm'] })).rejects.toEqual(
    coded('ONNX_PROVIDER', /wasm.*404.*wasmPaths/),
  );
  // What onnxruntime-node says on a machine without the card.
  const noCard = failing(() =>
    Promise.reject(new Error('OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library')),
  );
  await expect(OnnxDenoiser.load(bytes, { runtime: noCard, providers: ['cuda'] })).rejects.toEqual(
    coded('ONNX_PROVIDER', /cuda.*shared library.*providers: \['cpu'\]/),
  );

  const other = failing(() => Promise.reject(new Error('Unsupported model IR version')));
  await expect(OnnxDenoiser.load(bytes, { runtime: other })).rejects.toEqual(coded('ONNX_INVALID_FILE', /IR version/));
});
