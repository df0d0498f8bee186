import { describe, expect, it } from 'vitest';
import { CUNet, type CUNetOptions } from '@missing-u/cunet';

const count = (options: CUNetOptions) => new CUNet({ weights: 'none', ...options }).parameterCount;

describe('number of parameters', () => {
  it.each<[CUNetOptions, number]>([
    [{ preset: 'cunet' }, 8_763_491],
    [{ preset: 'cunet-a5' }, 9_092_451],
    [{ preset: 'cunet-woA' }, 8_500_323],
    [{ preset: 'cunet', stem: 'published' }, 8_761_443],
    [{ preset: 'cunet-a5', stem: 'published' }, 9_090_403],
    [{ preset: 'cunet-woA', stem: 'published' }, 8_498_275],
    [{ preset: 'cunet-woR', stem: 'published', attention: 'a5' }, 5_381_763],
    [{ preset: 'cunet-woR', stem: 'published' }, 5_052_803],
    [{ preset: 'cunet-woAR', stem: 'published' }, 4_789_635],
    [{ preset: 'cunet-fo', stem: 'published' }, 8_761_443],
    [{ preset: 'cunet-fo-woR', stem: 'published', attention: 'a5' }, 5_600_611],
    [{ preset: 'cunet-fo-woAR', stem: 'published' }, 5_008_483],
    [{ residual: 'none', stem: 'published' }, 6_797_699],
    [{ residual: 'conv1x1', stem: 'published' }, 7_016_547],
    [{ residual: 'conv1x1', stem: 'published', channels: 36, groups: 4 }, 8_812_663],
    [{ stem: 'published', timeSize: 80 }, 8_813_187],
    [{ stem: 'published', integrationTime: true }, 8_781_315],
    [{ preset: 'published-a2' }, 8_811_875],
    [{ preset: 'published-a5' }, 9_140_835],
    [{ preset: 'published-woA' }, 8_548_707],
    [{ preset: 'published-woR' }, 6_138_083],
    [{ preset: 'published-woR', attention: 'a5' }, 6_467_043],
    [{ preset: 'published-woAR' }, 5_874_915],
    [{ preset: 'published-a5', norm: 'group' }, 9_146_723],
    [{ preset: 'published-a5', norm: 'group', timeConditioning: 'film' }, 9_903_331],
  ])('%o has %i', (options, expected) => {
    expect(count(options)).toBe(expected);
  });
});

describe('size of a trainer checkpoint', () => {
  // In MiB, as the notes on the published networks and their variants give it: 16 bytes per weight, 8 per frozen one.
  it.each<[CUNetOptions, number]>([
    [{ stem: 'published' }, 133.7],
    [{ preset: 'cunet-a5', stem: 'published' }, 138.7],
    [{ preset: 'cunet-woA', stem: 'published' }, 129.7],
    [{ preset: 'cunet-woR', stem: 'published', attention: 'a5' }, 82.1],
    [{ preset: 'cunet-woR', stem: 'published' }, 77.1],
    [{ preset: 'cunet-woAR', stem: 'published' }, 73.1],
    [{ preset: 'cunet-fo-woR', stem: 'published', attention: 'a5' }, 85.5],
    [{ preset: 'cunet-fo-woAR', stem: 'published' }, 76.4],
    [{ residual: 'none', stem: 'published' }, 103.7],
    [{ residual: 'conv1x1', stem: 'published' }, 107.1],
    [{ residual: 'conv1x1', stem: 'published', channels: 36, groups: 6 }, 134.5],
    [{ preset: 'published-a2' }, 132.51],
    [{ preset: 'published-a5' }, 137.52],
    [{ preset: 'published-a5', norm: 'group' }, 137.61],
    [{ preset: 'published-woA' }, 128.49],
    [{ preset: 'published-woR' }, 91.71],
    [{ preset: 'published-woR', attention: 'a5' }, 96.73],
    [{ preset: 'published-woAR' }, 87.69],
  ])('of %o is %f MiB', (options, mebibytes) => {
    const model = new CUNet({ weights: 'none', ...options });
    const frozen = model.config.timeEmbedding === 'table' ? 256_000 : 0;
    const bytes = 16 * (model.parameterCount - frozen) + 8 * frozen;
    const digits = Number.isInteger(10 * mebibytes) ? 1 : 2;
    expect(bytes / 2 ** 20).toBeCloseTo(mebibytes, digits);
  });
});

// Small networks for pictures of one channel, in millions.
it.each([
  [8, 0.64],
  [16, 2.31],
  [24, 5.02],
])('%i channels make %f million parameters', (channels, millions) => {
  expect(count({ channels, inChannels: 1, imageSize: 32 }) / 1e6).toBeCloseTo(millions, 2);
});
