import { describe, expect, it } from 'vitest';
import { didYouMean, invalidArgument, MissingUError, show, unknownName } from '../src/index.ts';

describe('MissingUError', () => {
  it('keeps its code and cause and takes the name of the class that a package made', () => {
    class OdeError extends MissingUError {}
    const cause = new Error('inner');
    const error = new OdeError('ODE_X', 'text', { cause });
    expect(error).toMatchObject({ code: 'ODE_X', name: 'OdeError', message: 'text', cause });
    expect(error).toBeInstanceOf(Error);
    expect('cause' in new OdeError('ODE_X', 'text')).toBe(false);
  });
});

describe('messages', () => {
  it('name the argument, the value, what is allowed and the remedy', () => {
    expect(invalidArgument({ argument: 'steps', value: -3, allowed: 'an integer of 1 or more', remedy: 'use 1' })).toBe(
      '`steps` is -3, but has to be an integer of 1 or more; use 1.',
    );
  });

  it('offer the nearest name and the list', () => {
    expect(unknownName('method', 'dopri', ['euler', 'dopri5'])).toBe(
      "`method` is 'dopri', which is not known. Did you mean 'dopri5'? Allowed: euler, dopri5.",
    );
    expect(unknownName('method', 3, ['euler'])).toBe('`method` is 3, which is not known. Allowed: euler.');
  });

  it('find near names and leave far ones alone', () => {
    expect(didYouMean('DDIM_Scheduler', ['DDPMScheduler', 'DDIMScheduler'])).toBe('DDIMScheduler');
    expect(didYouMean('webgl', ['wasm', 'webgpu'])).toBe('webgpu');
    expect(didYouMean('val', ['train', 'valid', 'test'])).toBe('valid');
    expect(didYouMean('photograph', ['cpu', 'wasm'])).toBeUndefined();
    expect(didYouMean('gpu', ['wasm', 'cpu'])).toBe('cpu');
  });

  it.each([
    ['zz', 'b'],
    ['ab', 'cd'],
    ['', 'n'],
    ['x', 'y'],
    ['__', 'np'],
  ])('do not take %o for %o, which shares nothing with it', (name, known) => {
    expect(didYouMean(name, [known])).toBeUndefined();
  });

  it.each([
    ['a', "'a'"],
    [NaN, 'NaN'],
    [null, 'null'],
    [undefined, 'undefined'],
    [10n, '10n'],
    [{ shape: [1, 2] }, 'a tensor of shape [1, 2]'],
    [new Float32Array(2), 'Float32Array [0, 0]'],
    [Array(9).fill(1), '[1, 1, 1, 1, 1, 1, ... 9 in all]'],
    [{ a: [1] }, '{ a: [1] }'],
    [new Date(0), 'an instance of Date'],
    [Math.sin, 'the function sin'],
  ])('show %s unambiguously', (value, text) => expect(show(value)).toBe(text));

  it('show what cannot be read, and throw nothing', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const broken = {
      get size(): number {
        throw new Error('no');
      },
    };
    expect(show(proxy)).toBe('an object that cannot be read');
    expect(show([1, broken])).toBe('[1, an object that cannot be read]');
    expect(show(Object.create(Object.create(null) as object))).toBe('{  }');
    expect(show(Object.assign(Object.create({ constructor: undefined }) as object, { a: 1 }))).toBe('{ a: 1 }');
  });

  it('cut what is nested deeply, or holds itself', () => {
    const loop: unknown[] = [];
    loop.push(loop);
    expect(show(loop)).toBe('[[[[...]]]]');
    expect(show({ a: { b: { c: { d: 1 } } } })).toBe('{ a: { b: { c: { ... } } } }');
  });

  it('cut long strings and objects', () => {
    expect(show('x'.repeat(200))).toHaveLength(82);
    expect(show({ key: 'x'.repeat(79), other: 'y'.repeat(79) })).toHaveLength(100);
  });
});
