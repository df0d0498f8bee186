import { describe, expect, it } from 'vitest';
import { numpyGlobals, unpickle, type StateTensor } from '../src/index.ts';
import golden from './fixtures/torch.json' with { type: 'json' };

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
const code = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

describe('unpickle', () => {
  it.each(Object.entries(golden.containers))('reads containers of protocol %s', (_, text) => {
    const value = unpickle(bytes(text)) as Map<string, unknown>;
    expect(value.get('a')).toEqual([1, -2, 2 ** 40, 2n ** 80n, 0.5, null, true]);
    const [one, letter, raw] = value.get('b') as [number, string, Uint8Array];
    expect([one, letter, Array.from(raw)]).toEqual([1, 'é', [0, 255]]);
    expect(value.get('c')).toEqual(new Set([3]));
    expect(value.get('d')).toEqual(new Map());
  });

  // pickle.dumps(..., protocol=2) of Counter('aab'), of defaultdict(list, {'k': 5}) and of bytearray(b'\\x00\\xff').
  it.each<[string, string, unknown]>([
    [
      'Counter',
      'ccollections\nCounter\n}(X\x01\0\0\0aK\x02X\x01\0\0\0bK\x01u\x85R.',
      new Map([
        ['a', 2],
        ['b', 1],
      ]),
    ],
    ['defaultdict', 'ccollections\ndefaultdict\nc__builtin__\nlist\n\x85RX\x01\0\0\0kK\x05s.', new Map([['k', 5]])],
    ['defaultdict without a factory', 'ccollections\ndefaultdict\n)R.', new Map()],
    [
      'bytearray',
      'c__builtin__\nbytearray\nc_codecs\nencode\nX\x03\0\0\0\0\xc3\xbfX\x06\0\0\0latin1\x86R\x85R.',
      Uint8Array.of(0, 255),
    ],
    [
      'bytearray of text',
      'c__builtin__\nbytearray\nX\x03\0\0\0\0\xc3\xbfX\x07\0\0\0latin-1\x86R.',
      Uint8Array.of(0, 255),
    ],
    ['an empty bytearray', 'cbuiltins\nbytearray\n)R.', new Uint8Array(0)],
  ])('reads a %s', (_, pickle, expected) => {
    expect(unpickle(code(`\x80\x02${pickle}`))).toEqual(expected);
  });

  it.each(Object.entries(golden.numpy))('reads NumPy arrays of protocol %s', (_, text) => {
    const value = unpickle(bytes(text), { globals: numpyGlobals }) as Map<string, StateTensor>;
    expect(value.get('x')).toMatchObject({ dtype: 'float64', shape: [2, 3], data: Float64Array.of(0, 1, 2, 3, 4, 5) });
    expect(value.get('n')).toBe(0.5);
    expect(value.get('y')).toMatchObject({ dtype: 'uint8', shape: [2, 6], data: Uint8Array.from(golden.pixels) });
  });

  it("reads arrays that Python 2 wrote, as CIFAR's", () => {
    const value = unpickle(bytes(golden.python2), { globals: numpyGlobals }) as Map<string, unknown>;
    expect(value.get('data')).toMatchObject({ dtype: 'uint8', shape: [2, 6], data: Uint8Array.from(golden.pixels) });
    expect(value.get('labels')).toEqual([6, 9]);
  });

  it.each(Object.entries(golden.hostile))('refuses %s by name', (name, text) => {
    expect(() => unpickle(bytes(text))).toThrow(`\`${name}\`, which is refused`);
    expect(() => unpickle(bytes(text), { globals: numpyGlobals })).toThrow(
      expect.objectContaining({ code: 'WEIGHTS_UNSAFE_PICKLE' }),
    );
  });

  it.each([
    ['NumPy without its globals', bytes(golden.numpy[2]), /numpy/],
    ['names that objects have by nature', code('cconstructor\nconstructor\n.'), /refused/],
    ['names of prototypes', code('c__proto__\ntoString\n.'), /refused/],
    ['the old INST', code('(ios\nsystem\n.'), /`os.system`, which is refused/],
    ['extension codes', code('\x82\x01.'), /0x82 at byte 0 is no operation/],
    ['buffers from elsewhere', code('\x97.'), /0x97/],
    ['nothing', code(''), /truncated/],
    ['an empty stack', code('.'), /stack is empty/],
    ['a missing mark', code('t.'), /mark is missing/],
    ['lengths beyond the file', code('T\xff\xff\xff\x7fabc.'), /asks for 2147483647 bytes/],
    ['endless integers', code(`\x8b\xff\xff\xff\x7f`), /integer of/],
    ['a bytearray of any size', code('\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.'), /not bytes/],
    ['a call of the factory of a dict', code('\x80\x02cbuiltins\nlist\n)R.'), /not a function/],
    ['a call of data', code('K\x01)R.'), /not a function/],
    ['references to nothing', code('h\x05.'), /nothing was memorised as 5/],
    ['outside data', code('K\x01Q.'), /outside of the pickle/],
    ['items of a number', code('K\x01K\x02K\x03s.'), /not a dict/],
    ['broken text', code('X\x01\x00\x00\x00\xff.'), /broken/],
  ])('refuses %s', (_, pickle, message) => {
    expect(() => unpickle(pickle)).toThrow(message);
    expect(() => unpickle(pickle)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^WEIGHTS_(BAD|UNSAFE)_PICKLE$/) as string }),
    );
  });

  it('calls what the caller allows', () => {
    const globals = { 'argparse.Namespace': () => new Map([['seen', true]]) };
    expect(unpickle(code('cargparse\nNamespace\n)R.'), { globals })).toEqual(new Map([['seen', true]]));
  });
});
