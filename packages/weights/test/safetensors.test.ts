import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedFile } from '@missing-u/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  encodeSafetensors,
  loadSafetensors,
  openSafetensors,
  saveSafetensors,
  toFloat32,
  type StateDict,
} from '../src/index.ts';
import golden from './fixtures/safetensors.json' with { type: 'json' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weights-'));
});
afterAll(() => rm(folder, { recursive: true }));

const dict: StateDict = {
  weight: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, 5, 6) },
  half: { dtype: 'float16', shape: [3], data: Float32Array.of(1.5, -65504, 2 ** -24) },
  brain: { dtype: 'bfloat16', shape: [2], data: Float32Array.of(3.140625, -(2 ** 100)) },
  steps: { dtype: 'int64', shape: [], data: BigInt64Array.of(-(2n ** 60n)) },
  mask: { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) },
  empty: { dtype: 'float64', shape: [0, 4], data: new Float64Array(0) },
};

/** A file from a header and data, without this package's writer. */
function file(header: unknown, dataBytes = 0, text = JSON.stringify(header)): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

describe('loadSafetensors', () => {
  it('reads a tensor that is larger than what is read at a time', async () => {
    const data = Int32Array.from({ length: 2 ** 24 + 5 }, (_, i) => i);
    const path = join(folder, 'large.safetensors');
    await saveSafetensors({ first: dict['weight']!, large: { dtype: 'int32', shape: [data.length], data } }, path);
    const read = await loadSafetensors(path);
    expect(Buffer.compare(Buffer.from(read['large']!.data.buffer, read['large']!.data.byteOffset, data.byteLength), Buffer.from(data.buffer))).toBe(0); // prettier-ignore
    expect(read['first']).toEqual(dict['weight']);
  });

  it('notices that a file became shorter while it was being read', async () => {
    const data = new Float32Array(2 ** 24 + 2 ** 23);
    const path = join(folder, 'shorter.safetensors');
    await saveSafetensors({ large: { dtype: 'float32', shape: [data.length], data } }, path);
    const open = await openSafetensors(path);
    await truncate(path, 2 ** 25);
    await expect(open.read('large')).rejects.toMatchObject({ code: 'WEIGHTS_TRUNCATED' });
    await open.close();
  });

  it('reads every dtype as the Python library wrote it', async () => {
    const read = await loadSafetensors(Uint8Array.from(Buffer.from(golden.file, 'base64')));
    expect(Object.keys(read).sort()).toEqual(Object.keys(golden.values).sort());
    for (const [name, expected] of Object.entries(golden.values)) {
      expect(
        Array.from(toFloat32(read[name]!), (x) => (Number.isFinite(x) ? x : String(x))),
        name,
      ).toEqual(expected);
    }
  });

  it('reads tensors whose data are not aligned', async () => {
    const bytes = file(
      { a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } },
      4,
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} ',
    );
    new DataView(bytes.buffer).setFloat32(bytes.length - 4, 2.5, true);
    expect((await loadSafetensors(bytes))['a']!.data).toEqual(Float32Array.of(2.5));
  });

  it('reads from blobs and files alike', async () => {
    const bytes = encodeSafetensors(dict);
    expect(await loadSafetensors(new Blob([bytes]))).toEqual(dict);
    const path = join(folder, 'plain.safetensors');
    await writeFile(path, bytes);
    expect(await loadSafetensors(path)).toEqual(dict);
  });

  it.skipIf(!sharedFile('squeezenet/squeezenet1_1-fp16.safetensors'))(
    'reads a real half-precision model (needs shared/data/squeezenet)',
    async () => {
      const read = await loadSafetensors(sharedFile('squeezenet/squeezenet1_1-fp16.safetensors')!);
      expect(read['features.0.weight']!.shape).toEqual([64, 3, 3, 3]);
      expect(Object.values(read).reduce((sum, { data }) => sum + data.length, 0)).toBe(1_235_496);
    },
  );

  it('keeps a name that objects treat specially', async () => {
    const bytes = file(null, 4, '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}');
    expect(Object.keys(await loadSafetensors(bytes))).toEqual(['__proto__']);
  });

  const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });
  it.each([
    ['nothing', new Uint8Array(3), /3 bytes/],
    ['an absurd header length', new Uint8Array(8).fill(0x7f), /claims .* more than the allowed/],
    ['a header cut off', file({ a: f32(0, 4) }, 4).slice(0, 30), /truncated/],
    ['data cut off', file({ a: f32(0, 8) }, 4), /truncated/],
    ['data to spare', file({ a: f32(0, 4) }, 8), /4 bytes at its end/],
    ['offsets out of range', file({ a: f32(0, 4), b: f32(4, 4096) }, 4), /truncated/],
    ['an overlap', file({ a: f32(0, 8), b: f32(4, 12) }, 12), /'b' overlap/],
    ['a hole', file({ a: f32(0, 4), b: f32(8, 12) }, 12), /hole of 4 bytes/],
    [
      'a duplicate name',
      file(
        null,
        4,
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}',
      ),
      /'a' occurs twice/,
    ],
    [
      'a field that occurs twice',
      file(null, 4, '{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}'),
      /'dtype' occurs twice/,
    ],
    ['an unknown dtype', file({ a: { dtype: 'F4', shape: [1], data_offsets: [0, 1] } }, 1), /dtype "F4"/],
    ['a negative size', file({ a: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }, 4), /shape \[-1\]/],
    ['a shape that disagrees', file({ a: f32(0, 8, [3]) }, 8), /needs 12 bytes/],
    ['a shape that overflows', file({ a: f32(0, 8, [2 ** 40, 2 ** 40]) }, 8), /needs/],
    ['metadata that are not text', file({ __metadata__: { a: 1 } }), /__metadata__/],
    ['a list for a header', file([]), /JSON object/],
    ['broken UTF-8', file(null, 0, '{"\ud800":1}').fill(0xff, 9), /UTF-8/],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(loadSafetensors(bytes)).rejects.toThrow(message);
    await expect(loadSafetensors(bytes)).rejects.toMatchObject({ code: 'WEIGHTS_BAD_SAFETENSORS' });
  });

  it('reads metadata of many megabytes, of any text, and of a key that occurs twice', async () => {
    const dict: StateDict = { a: { dtype: 'float32', shape: [1], data: Float32Array.of(1) } };
    for (const text of ['y'.repeat(1.2e7), '\\', '\\"', '"{[:,', '\\'.repeat(7)]) {
      expect(await loadSafetensors(encodeSafetensors(dict, { metadata: { text, dtype: text } }))).toEqual(dict);
    }
    const twice = file(null, 4, `{"__metadata__":{"k":"1","k":"2"},"a":${JSON.stringify(f32(0, 4))}}`);
    expect(Object.keys(await loadSafetensors(twice))).toEqual(['a']);
  });

  it('names a file that is not there', async () => {
    await expect(loadSafetensors(join(folder, 'no.safetensors'))).rejects.toMatchObject({
      code: 'WEIGHTS_NO_SUCH_FILE',
    });
    await expect(loadSafetensors(folder)).rejects.toMatchObject({
      code: 'WEIGHTS_BAD_SOURCE',
      message: expect.stringMatching(/is a folder/) as string,
    });
  });
});

describe('openSafetensors', () => {
  it('reads one tensor at a time', async () => {
    const open = await openSafetensors(encodeSafetensors(dict, { metadata: { epoch: '3' } }));
    expect(open.metadata).toEqual({ epoch: '3' });
    expect(open.entries.map(({ name }) => name).sort()).toEqual(Object.keys(dict).sort());
    expect(await open.read('weight')).toEqual(dict['weight']);
    expect(() => open.read('weihgt')).toThrow(/Did you mean 'weight'/);
    await open.close();
  });
});

describe('saveSafetensors', () => {
  it('writes what the Python library writes, byte for byte', () => {
    const bytes = encodeSafetensors(
      {
        b: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) },
        a: { dtype: 'float16', shape: [1], data: Float32Array.of(3) },
      },
      { metadata: { format: 'pt' } },
    );
    expect(Buffer.from(bytes).toString('base64')).toBe(golden.written);
  });

  it('leaves only the finished file', async () => {
    const path = join(folder, 'saved.safetensors');
    expect(await saveSafetensors(dict, path)).toEqual([path]);
    expect(await loadSafetensors(path)).toEqual(dict);
    expect((await readdir(folder)).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it('leaves one whole file where several are written to one path at the same time', async () => {
    const path = join(folder, 'at-once.safetensors');
    const dicts = [40, 60].map((count): StateDict =>
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [
          `w${i}`,
          { dtype: 'float32', shape: [64], data: new Float32Array(64).fill(count) },
        ]),
      ),
    );
    await Promise.all(dicts.map((one) => saveSafetensors(one, path)));
    expect(dicts).toContainEqual(await loadSafetensors(path));
    expect((await readdir(folder)).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  it('writes shards and an index that load as one', async () => {
    const path = join(folder, 'model.safetensors');
    const paths = await saveSafetensors(dict, path, { maxShardBytes: 32 });
    expect(paths.map((written) => written.slice(folder.length + 1))).toEqual([
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
    expect(await loadSafetensors(paths.at(-1)!)).toEqual(dict);
  });

  it('refuses an index that leads elsewhere or lies', async () => {
    const index = join(folder, 'bad.safetensors.index.json');
    await writeFile(index, JSON.stringify({ weight_map: { a: '../../etc/passwd' } }));
    await expect(loadSafetensors(index)).rejects.toThrow(/not a plain file name/);
    await saveSafetensors(dict, join(folder, 'part.safetensors'));
    await writeFile(index, JSON.stringify({ weight_map: { weight: 'part.safetensors' } }));
    await expect(loadSafetensors(index)).rejects.toMatchObject({ code: 'WEIGHTS_BAD_INDEX' });
  });

  it('refuses tensors whose parts disagree', () => {
    const data = new Float32Array(3);
    expect(() => encodeSafetensors({ a: { dtype: 'float32', shape: [2], data } })).toThrow(
      /`a.data` is Float32Array of length 3/,
    );
    expect(() => encodeSafetensors({ a: { dtype: 'int32', shape: [3], data } })).toThrow(/Int32Array of length 3/);
    expect(() => encodeSafetensors({ a: { dtype: 'f32' as 'float32', shape: [3], data } })).toThrow(
      /`a.dtype` is 'f32'/,
    );
    expect(() => encodeSafetensors({ __metadata__: { dtype: 'float32', shape: [3], data } })).toThrow(
      /cannot be called/,
    );
  });

  it.each<[string, unknown, object, string, RegExp]>([
    ['nothing', null, {}, 'WEIGHTS_BAD_TENSOR', /`dict` is null/],
    ['a tensor left out', { a: undefined }, {}, 'WEIGHTS_BAD_TENSOR', /`a` is undefined/],
    [
      'a tensor without a shape',
      { a: { dtype: 'float32', data: Float32Array.of(1) } },
      {},
      'WEIGHTS_BAD_TENSOR',
      /`a.shape` is undefined/,
    ],
    ['metadata of numbers', dict, { metadata: { step: 5 } }, 'WEIGHTS_BAD_OPTION', /`metadata.step` is 5.*text/],
    ['no metadata at all', dict, { metadata: null }, 'WEIGHTS_BAD_OPTION', /`metadata` is null/],
  ])('refuses to write %s', async (_, given, options, code, message) => {
    const run = () => encodeSafetensors(given as StateDict, options);
    expect(run).toThrow(message);
    expect(run).toThrow(expect.objectContaining({ code }));
    await expect(saveSafetensors(given as StateDict, join(folder, 'none'), options)).rejects.toMatchObject({ code });
  });

  it('says where it cannot write', async () => {
    await expect(saveSafetensors(dict, join(folder, 'absent', 'x.safetensors'))).rejects.toMatchObject({
      code: 'WEIGHTS_CANNOT_WRITE',
    });
  });
});
