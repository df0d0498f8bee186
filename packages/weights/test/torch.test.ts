import { sharedFile } from '@missing-u/test-utils';
import { describe, expect, it } from 'vitest';
import { loadTorch, readTorch, toFloat32, type StateDict } from '../src/index.ts';
import { zipPieces } from '../src/zip/write.ts';
import golden from './fixtures/torch.json' with { type: 'json' };

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
const plain = (dict: StateDict) =>
  Object.fromEntries(
    Object.entries(dict).map(([name, { shape, data }]) => [name, { shape, data: Array.from(data, Number) }]),
  );

describe('loadTorch', () => {
  it.each(['zip', 'legacy', 'deflated'] as const)(
    'reads what torch.save wrote (%s): every dtype, strides, shared storages',
    async (kind) => {
      const dict = await loadTorch(bytes(golden[kind]));
      expect(plain(dict)).toEqual(golden.values);
      expect(dict['brain']!.dtype).toBe('bfloat16');
      // `plain` and `row` lie in one storage, and do so here.
      expect(dict['row']!.data.buffer).toBe(dict['plain']!.data.buffer);
    },
  );

  it('reads the dtypes that have no storage class of their own', async () => {
    const dict = await loadTorch(bytes(golden.newer));
    expect(
      Object.fromEntries(Object.entries(dict).map(([name, { data }]) => [name, Array.from(data, Number)])),
    ).toEqual(golden.newerValues);
  });

  it('finds the state dict in a checkpoint', async () => {
    const dict = await loadTorch(bytes(golden.checkpoint), { at: 'state_dict' });
    expect(Object.keys(dict)).toEqual(['weight', 'bias']);
    expect(Object.keys(await loadTorch(bytes(golden.checkpoint)))).toEqual([
      'state_dict.weight',
      'state_dict.bias',
      'optimizer.state.0.exp_avg',
    ]);
    await expect(loadTorch(bytes(golden.checkpoint), { at: 'state_dikt' })).rejects.toThrow(
      /Did you mean 'state_dict'/,
    );
    await expect(loadTorch(bytes(golden.checkpoint), { at: 'name' })).rejects.toThrow(
      /no tensors at 'name': it holds 'run'/,
    );
  });

  it('gives the whole object on request', async () => {
    const object = (await readTorch(bytes(golden.checkpoint))) as Map<string, unknown>;
    expect(object.get('epoch')).toBe(3);
    expect((object.get('optimizer') as Map<string, unknown>).get('lr')).toBe(0.1);
  });

  describe('of tensors in pickles of protocol 2', () => {
    const text = (letters: string) => `X${String.fromCharCode(letters.length)}\0\0\0${letters}`;
    /** The arguments of `_rebuild_tensor_v2`: three float32 in storage 0, from where on a shape and strides of one axis take. */
    const tensor = (shape: number, stride: number, flags = '') =>
      `((${text('storage')}ctorch\nFloatStorage\n${text('0')}${text('cpu')}K\x03tQK\0` +
      `K${String.fromCharCode(shape)}\x85K${String.fromCharCode(stride)}\x85\x89ccollections\nOrderedDict\n)R${flags}t`;
    const rebuild = 'ctorch._utils\n_rebuild_tensor_v2\n';
    const file = async (entries: Record<string, string>) => {
      const items = Object.entries(entries).map(([name, entry]) => text(name) + entry);
      const pickle = Uint8Array.from(`\x80\x02}(${items.join('')}u.`, (letter) => letter.charCodeAt(0));
      const data = new Uint8Array(Float32Array.of(1, 2, -3).buffer);
      const pieces = await zipPieces(
        [
          ['archive/data.pkl', pickle],
          ['archive/data/0', data],
        ],
        false,
      );
      return new Blob(pieces).arrayBuffer();
    };

    // As torch.save writes `torch._neg_view(x)`, beside x.
    it('gives negated views the sign that they have in PyTorch', async () => {
      const negated = `}${text('neg')}\x88s`;
      const saved = await file({
        plain: `${rebuild}${tensor(3, 1)}R`,
        view: `${rebuild}${tensor(3, 1, negated)}R`,
        strided: `${rebuild}${tensor(2, 2, negated)}R`,
      });
      expect(plain(await loadTorch(saved))).toEqual({
        plain: { shape: [3], data: [1, 2, -3] },
        view: { shape: [3], data: [-1, -2, 3] },
        strided: { shape: [2], data: [-1, 3] },
      });
    });

    it('reads tensors with attributes of their own, and tensors beside counters', async () => {
      const saved = await file({
        t: `ctorch._tensor\n_rebuild_from_type_v2\n(${rebuild}ctorch\nTensor\n${tensor(3, 1)}}${text('note')}K\x01stR`,
        counts: `ccollections\nCounter\n}${text('a')}K\x02s\x85R`,
      });
      expect(plain(await loadTorch(saved))).toEqual({ t: { shape: [3], data: [1, 2, -3] } });
    });

    it('makes no tensor of what is not to be called', async () => {
      const foreign = file({ t: `ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nctorch\nTensor\n)NtR` });
      await expect(loadTorch(await foreign)).rejects.toThrow(/`os.system`, which is refused/);
      const none = file({ t: 'ctorch._tensor\n_rebuild_from_type_v2\n(K\x01ctorch\nTensor\n)NtR' });
      await expect(loadTorch(await none)).rejects.toMatchObject({ code: 'WEIGHTS_BAD_TORCH' });
    });
  });

  it.skipIf(!sharedFile('lpips/v0.1/squeeze.pth'))(
    'reads the published LPIPS heads (needs shared/data/lpips)',
    async () => {
      const dict = await loadTorch(sharedFile('lpips/v0.1/squeeze.pth')!);
      expect(Object.keys(dict)).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `lin${i}.model.1.weight`));
      expect(dict['lin6.model.1.weight']!.shape).toEqual([1, 512, 1, 1]);
      expect(toFloat32(dict['lin0.model.1.weight']!).every((weight) => weight >= 0)).toBe(true);
    },
  );

  it('refuses files that want to run code, by the name of what they want', async () => {
    await expect(loadTorch(bytes(golden.hostileZip))).rejects.toThrow(/`(posix|nt)\.system`, which is refused/);
    await expect(loadTorch(bytes(golden.hostileZip))).rejects.toMatchObject({ code: 'WEIGHTS_UNSAFE_PICKLE' });
    await expect(loadTorch(bytes(golden.module))).rejects.toThrow(
      /`torch\.nn\.modules\.linear\.Linear`, which is refused/,
    );
  });

  it('refuses tensors beyond their storage, and those that would fill the memory', async () => {
    await expect(loadTorch(bytes(golden.outOfRange))).rejects.toThrow(/reaches beyond its storage/);
    await expect(loadTorch(bytes(golden.bomb))).rejects.toThrow(/out of proportion/);
  });

  it.each([
    [
      'dicts that hold the one before twice, sixty times over',
      `}q\0(X\x01\0\0\0aK\x01u${Array.from({ length: 60 }, (_, i) => `}q${String.fromCharCode(i + 1)}(X\x01\0\0\0ah${String.fromCharCode(i)}X\x01\0\0\0bh${String.fromCharCode(i)}u`).join('')}.`,
      /beyond all measure/,
    ],
    [
      'lists that hold the one before twice, sixty times over',
      `]q\0${Array.from({ length: 60 }, (_, i) => `]q${String.fromCharCode(i + 1)}(h${String.fromCharCode(i)}h${String.fromCharCode(i)}e`).join('')}.`,
      /no tensors/,
    ],
    ['a list that holds itself', ']q\0(h\0h\0e.', /no tensors/],
    ['a dict that holds itself', '}q\0(X\x01\0\0\0ah\0u.', /no tensors/],
  ])('is not held up by %s', async (_, pickle, message) => {
    const content = Uint8Array.from(`\x80\x02${pickle}`, (letter) => letter.charCodeAt(0));
    const file = await new Blob(await zipPieces([['archive/data.pkl', content]], false)).arrayBuffer();
    await expect(loadTorch(file)).rejects.toThrow(message);
    await expect(loadTorch(file)).rejects.toMatchObject({ code: expect.stringMatching(/^WEIGHTS_/) as string });
  });

  it('refuses files cut off at any place', async () => {
    for (const kind of ['zip', 'legacy'] as const) {
      const whole = bytes(golden[kind]);
      for (let length = 0; length < whole.length; length += 97) {
        await expect(loadTorch(whole.slice(0, length)), `${kind} ${length}`).rejects.toMatchObject({
          code: expect.stringMatching(/^WEIGHTS_BAD_/) as string,
        });
      }
    }
  });

  it('refuses a zip whose content was changed', async () => {
    const whole = bytes(golden.zip);
    const at = Buffer.from(whole).indexOf(Buffer.from(Float32Array.of(10, 11).buffer));
    whole[at]! ^= 1;
    await expect(loadTorch(whole)).rejects.toThrow(/checksum differs/);
  });

  it('refuses other files', async () => {
    await expect(loadTorch(new Uint8Array(100))).rejects.toThrow(/neither as a zip file nor with the magic number/);
  });
});
