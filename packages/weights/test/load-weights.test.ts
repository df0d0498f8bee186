import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  encodeNpz,
  encodeSafetensors,
  loadNpz,
  loadStateDict,
  loadTfjs,
  loadTorch,
  loadWeights,
  type StateDict,
} from '../src/index.ts';
import golden from './fixtures/torch.json' with { type: 'json' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'load-'));
});
afterAll(() => rm(folder, { recursive: true }));

const dict: StateDict = { w: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } };

/** A model.json with one shard per given buffer. */
async function tfjsModel(name: string, weights: object[], shards: Uint8Array[]): Promise<string> {
  const paths = shards.map((_, i) => `${name}-${i}.bin`);
  for (const [i, shard] of shards.entries()) await writeFile(join(folder, paths[i]!), shard);
  const path = join(folder, `${name}.json`);
  await writeFile(path, JSON.stringify({ format: 'layers-model', weightsManifest: [{ paths, weights }] }));
  return path;
}

describe('loadTfjs', () => {
  it('reads weights that lie across shards, and widens quantised ones', async () => {
    const bytes = new Uint8Array([...new Uint8Array(Float32Array.of(1.5, -2).buffer), 0, 255, 0x00, 0x3c, 1]);
    const weights = [
      { name: 'plain', shape: [2], dtype: 'float32' },
      { name: 'affine', shape: [1, 2], dtype: 'float32', quantization: { dtype: 'uint8', scale: 2, min: -10 } },
      { name: 'half', shape: [1], dtype: 'float32', quantization: { dtype: 'float16' } },
      { name: 'flag', shape: [], dtype: 'bool' },
    ];
    const read = await loadTfjs(await tfjsModel('a', weights, [bytes.slice(0, 5), bytes.slice(5)]));
    expect(read).toEqual({
      plain: { dtype: 'float32', shape: [2], data: Float32Array.of(1.5, -2) },
      affine: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(-10, 500) },
      half: { dtype: 'float32', shape: [1], data: Float32Array.of(1) },
      flag: { dtype: 'bool', shape: [], data: Uint8Array.of(1) },
    });
  });

  it('refuses unsound manifests', async () => {
    const weight = { name: 'w', shape: [2], dtype: 'float32' };
    await expect(loadTfjs(await tfjsModel('short', [weight], [new Uint8Array(4)]))).rejects.toThrow(/end within 'w'/);
    await expect(loadTfjs(await tfjsModel('long', [weight], [new Uint8Array(9)]))).rejects.toThrow(/1 bytes too many/);
    await expect(loadTfjs(await tfjsModel('text', [{ ...weight, dtype: 'string' }], []))).rejects.toThrow(
      /dtype 'string'/,
    );
    await writeFile(join(folder, 'up.json'), JSON.stringify({ weightsManifest: [{ paths: ['../x'], weights: [] }] }));
    await expect(loadTfjs(join(folder, 'up.json'))).rejects.toThrow(/not a plain file name/);
    await writeFile(join(folder, 'none.json'), '{}');
    await expect(loadTfjs(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'WEIGHTS_BAD_TFJS' });
  });
});

describe('loadWeights', () => {
  it('knows the formats by their content', async () => {
    expect(await loadWeights(encodeSafetensors(dict))).toEqual(dict);
    expect(await loadWeights(await encodeNpz(dict))).toEqual(dict);
    for (const kind of ['zip', 'legacy', 'deflated'] as const) {
      const read = await loadWeights(Uint8Array.from(Buffer.from(golden[kind], 'base64')));
      expect(Object.keys(read)).toEqual(Object.keys(golden.values));
    }
    const model = await tfjsModel(
      'b',
      [{ name: 'w', shape: [2], dtype: 'float32' }],
      [new Uint8Array(dict['w']!.data.buffer)],
    );
    expect(await loadWeights(model)).toEqual(dict);
  });

  it('is not misled by the length of a safetensors header, whatever its first byte', async () => {
    // 0x80 begins a pickle, and 0x7b and 0x50 a JSON object and a zip file; lengths are multiples of 8.
    const first = new Set<number>();
    for (let letters = 1; letters <= 256; letters += 8) {
      const named: StateDict = { ['n'.repeat(letters)]: dict['w']! };
      const bytes = encodeSafetensors(named);
      first.add(bytes[0]!);
      expect(await loadWeights(bytes)).toEqual(named);
    }
    expect(first).toContain(0x80);
  });

  it('reads shards of any format beside their index', async () => {
    const torch = Uint8Array.from(Buffer.from(golden.zip, 'base64'));
    const expected = { ...(await loadWeights(torch)), ...dict };
    await writeFile(join(folder, 'a.bin'), torch);
    await writeFile(join(folder, 'b.safetensors'), encodeSafetensors(dict));
    const index = async (shards: Record<string, string>, name: string) => {
      await writeFile(join(folder, name), JSON.stringify({ weight_map: shards }));
      return join(folder, name);
    };
    const pickled = Object.fromEntries(Object.keys(golden.values).map((name) => [name, 'a.bin']));
    expect(await loadWeights(await index({ ...pickled, w: 'b.safetensors' }, 'm.index.json'))).toEqual(expected);
    expect(Object.keys(await loadTorch(await index(pickled, 'm.bin.index.fp16.json')))).toEqual(Object.keys(pickled));
  });

  it('refuses anything else', async () => {
    await expect(loadWeights(new TextEncoder().encode('hello'))).rejects.toMatchObject({
      code: 'WEIGHTS_UNKNOWN_FORMAT',
    });
    await expect(loadWeights(7 as unknown as string)).rejects.toThrow(/`source` is 7/);
  });

  it('says of an empty file that it is empty, and not that its format is wrong', async () => {
    const file = join(folder, 'model.pth');
    await writeFile(file, '');
    for (const source of [file, new Uint8Array(0), new Blob([])]) {
      const refused = (code: string) => ({ code, message: expect.stringContaining('it is empty (0 bytes)') as string });
      await expect(loadWeights(source)).rejects.toMatchObject(refused('WEIGHTS_TRUNCATED'));
      await expect(loadTorch(source)).rejects.toMatchObject(refused('WEIGHTS_BAD_TORCH'));
      await expect(loadNpz(source)).rejects.toMatchObject(refused('WEIGHTS_BAD_ZIP'));
    }
    await expect(loadTorch(file)).rejects.toThrow(file);
  });
});

describe('loadStateDict', () => {
  const module = {
    seen: {} as StateDict,
    loadStateDict(given: StateDict, options: { strict?: boolean } = {}) {
      this.seen = given;
      return { missing: [], strict: options.strict };
    },
  };

  it('gives a module its weights from a dict or from bytes, and returns its report', async () => {
    expect(await loadStateDict(module, dict, { strict: false })).toEqual({ missing: [], strict: false });
    expect(module.seen).toBe(dict);
    await loadStateDict(module, encodeSafetensors(dict));
    expect(module.seen).toEqual(dict);
  });
});

it.each([undefined, null, 'weights.safetensors', {}])('loadStateDict refuses %j for a module', async (module) => {
  await expect(loadStateDict(module as never, dict)).rejects.toMatchObject({ code: 'WEIGHTS_BAD_MODULE' });
});
