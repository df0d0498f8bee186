import { describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { torchGenerator } from '@missing-u/random';
import { sharedFile } from '@missing-u/test-utils';
import {
  meanSquaredError,
  multiscaleStructuralSimilarity,
  normalizedRootMse,
  peakSignalNoiseRatio,
  structuralSimilarity,
  structuralSimilarityDetails,
  type Image,
} from '../src/index.ts';
import { lcg, noisy, ramp } from './pictures.ts';
import golden from './fixtures/image-pairs.json' with { type: 'json' };

const grey = ramp(33, 40, 1);
const color = ramp(24, 28, 3);
const cases = [
  { name: 'grey', a: grey, b: noisy(grey, 0.5, 1), expected: golden.grey },
  { name: 'color', a: color, b: noisy(color, 0.8, 2), expected: golden.color },
];

describe.each(cases)('against scikit-image and torchmetrics, $name', ({ a, b, expected }) => {
  it.each([
    ['default', {}],
    ['wang', { defaults: 'wang' }],
    ['wang', { gaussianWeights: true, sigma: 1.5, useSampleCovariance: false }],
    ['gaussianSample', { gaussianWeights: true, sigma: 0.8 }],
    ['win5', { winSize: 5, useSampleCovariance: false }],
    ['constants', { K1: 0.02, K2: 0.05 }],
  ] as const)('%s %o', (name, options) => {
    expect(structuralSimilarity(a, b, { dataRange: 1, ...options })).toBeCloseTo(expected[name], 11);
  });

  // torchmetrics clamps negative variances to zero, which does not happen here.
  it.each([
    ['torchGaussian', { defaults: 'wang', border: 'reflect' }],
    ['torchGaussianUneven', { defaults: 'wang', sigma: [0.5, 1.5], border: 'reflect' }],
    ['torchUniformUneven', { winSize: [3, 5], useSampleCovariance: false, border: 'reflect' }],
  ] as const)('%s', (name, options) => {
    expect(structuralSimilarity(a, b, { dataRange: 1, ...options })).toBeCloseTo(expected[name], 9);
  });

  it('gives the map and the gradient', () => {
    const { value, map, gradient } = structuralSimilarityDetails(a, b, { dataRange: 1 });
    expect(value).toBeCloseTo(expected.default, 11);
    expect(map.data.filter((_, i) => i % 97 === 0)).toBeAllClose(expected.mapSample, { rtol: 1e-9 });
    // scikit-image leaves out the factor that the mean over channels brings in.
    const sample = gradient.data.filter((_, i) => i % 97 === 0).map((v) => v * a.channels);
    expect(sample).toBeAllClose(expected.gradientSample, { rtol: 1e-9, atol: 1e-12 });
  });

  it('gives the errors of pixels', () => {
    expect(peakSignalNoiseRatio(a, b, { dataRange: 1 })).toBeCloseTo(expected.psnr, 11);
    expect(meanSquaredError(a, b)).toBeCloseTo(expected.mse, 13);
    const kinds = ['euclidean', 'min-max', 'mean'] as const;
    expect(kinds.map((kind) => normalizedRootMse(a, b, kind))).toBeAllClose(expected.nrmse, { rtol: 1e-11 });
  });
});

describe('the gradient', () => {
  it.each([1, 3])('is the derivative of the value, away from the border, for %d channels', (channels) => {
    const a = ramp(21, 21, channels);
    const b = noisy(a, 0.5, 4);
    const options = { dataRange: 1, useSampleCovariance: false };
    const { gradient } = structuralSimilarityDetails(a, b, options);
    const at = (10 * 21 + 10) * channels;
    const moved = (step: number) =>
      structuralSimilarity(a, { ...b, data: b.data.map((v, i) => (i === at ? v + step : v)) }, options);
    // The value averages over the inner 15 x 15 windows, the gradient over all 21 x 21.
    const slope = ((moved(1e-5) - moved(-1e-5)) / 2e-5) * (15 ** 2 / 21 ** 2);
    expect(gradient.data[at]).toBeCloseTo(slope, 8);
  });
});

describe('multiscaleStructuralSimilarity', () => {
  it.each([
    ['ms-even', ramp(192, 176, 1)],
    ['ms-odd', ramp(181, 167, 3)],
  ] as const)('equals the PyTorch form, %s', (name, a) => {
    const b = noisy(a, 0.6, 3);
    expect(multiscaleStructuralSimilarity(a, b, { dataRange: 1 })).toBeCloseTo(golden[name].msSsim, 10);
    const twoScales = multiscaleStructuralSimilarity(a, b, { dataRange: 1, weights: [0.4, 0.6] });
    expect(twoScales).toBeCloseTo(golden[name].twoScales, 10);
    expect(multiscaleStructuralSimilarity(a, a, { dataRange: 1 })).toBe(1);
  });

  it('says how large a picture has to be', () => {
    const a = ramp(100, 200, 1);
    expect(() => multiscaleStructuralSimilarity(a, a, { dataRange: 1 })).toThrow(/at least 161 x 161/);
  });
});

const camera = sharedFile('ssim/camera.png');
const noisyCamera = sharedFile('ssim/camera_noisy.png');

describe.skipIf(!camera || !noisyCamera)("scikit-image's test pair (needs shared/data/ssim)", () => {
  const load = async () => Promise.all([camera!, noisyCamera!].map(readGrey));

  it('has the published numbers', async () => {
    const [a, b] = (await load()) as [Image, Image];
    expect(structuralSimilarity(a, b, { dataRange: 255 })).toBeCloseTo(0.3674518327910367, 12);
    expect(structuralSimilarity(a, b, { dataRange: 255, defaults: 'wang' })).toBeCloseTo(0.35796423623658125, 12);
    expect(peakSignalNoiseRatio(a, b, { dataRange: 255 })).toBeCloseTo(22.40935284991332, 11);
  });

  it('with the first 30 rows zeroed', async () => {
    const [a] = (await load()) as [Image, Image];
    const b = { ...a, data: Float64Array.from(a.data, (value, i) => (i < 30 * a.width ? 0 : value)) };
    expect(
      structuralSimilarity(a, b, { dataRange: (a.data as Uint8Array).reduce((x, y) => Math.max(x, y)) }),
    ).toBeCloseTo(0.9408312259293267, 12);
  });

  it('can be thinned out first, as in the second script of Wang', async () => {
    const [a, b] = (await load()) as [Image, Image];
    const thin = structuralSimilarity(a, b, { dataRange: 255, defaults: 'wang', downsample: true });
    const halves = [a, b].map((image) => ({ data: blockMeans(image), width: 256, height: 256, channels: 1 }));
    expect(thin).toBeCloseTo(structuralSimilarity(halves[0]!, halves[1]!, { dataRange: 255, defaults: 'wang' }), 12);
  });
});

describe("torchmetrics' binary images (test_ssim_unequal_kernel_size)", () => {
  const bits = (text: string): Image => ({ data: Array.from(text, Number), width: 7, height: 7, channels: 1 });
  const a = bits('1101101' + '1011000' + '1000000' + '0010001' + '0010010' + '0100111' + '1101101');
  const b = bits('1101101' + '0001110' + '1110101' + '1000101' + '1111011' + '0010100' + '0100110');

  it.each([
    [0.20977394, { defaults: 'wang', sigma: [0.25, 0.5] }],
    [0.13884821, { defaults: 'wang', sigma: [0.5, 0.25] }],
    [0.05032664, { winSize: [3, 5], useSampleCovariance: false }],
    [0.03472072, { winSize: [5, 3], useSampleCovariance: false }],
  ] as const)('%d with %o', (expected, options) => {
    expect(structuralSimilarity(a, b, { dataRange: 1, border: 'reflect', ...options })).toBeCloseTo(expected, 5);
  });
});

describe("other libraries' conventions, where sides do not divide evenly", () => {
  const { piqSsim, ...sizes } = golden.conventions;
  const weights = [0.3, 0.3, 0.4];
  it.each(Object.entries(sizes))('MS-SSIM of three scales, %s', (size, expected) => {
    const [height, width] = size.split('x').map(Number) as [number, number];
    const a = ramp(height, width, 2);
    const b = noisy(a, 0.6, 3);
    // torchmetrics and pytorch-msssim keep windows or weights in float32.
    for (const [defaults, digits, truncate] of [
      ['piq', 12, 3.5],
      ['torchmetrics', 7, 3.5],
      ['pytorch-msssim', 5, 0.5],
    ] as const) {
      const score = multiscaleStructuralSimilarity(a, b, { dataRange: 1, defaults, weights, truncate });
      expect(score).toBeCloseTo(expected[defaults], digits);
    }
  });

  it.each([390, 640] as const)("piq's SSIM of %d pixels a side", (side) => {
    const a = ramp(side, side + 3, 1);
    const b = noisy(a, 0.6, 3);
    expect(structuralSimilarity(a, b, { dataRange: 1, defaults: 'piq' })).toBeCloseTo(piqSsim[side], 12);
  });

  it("torchmetrics' documented example: 0.9219 and 0.9628", () => {
    // torch.manual_seed(42); torch.rand([3, 3, 256, 256]), three channels one after the other.
    const drawn = torchGenerator(42).fillUniform(new Float32Array(3 * 3 * 256 ** 2));
    const scores = [0, 1, 2].map((image) => {
      const channels = [0, 1, 2].map((c) => drawn.subarray((3 * image + c) * 256 ** 2, (3 * image + c + 1) * 256 ** 2));
      const data = Float64Array.from({ length: 3 * 256 ** 2 }, (_, i) => channels[i % 3]![Math.floor(i / 3)]!);
      const a = { data, width: 256, height: 256, channels: 3 };
      const b = { ...a, data: data.map((value) => Math.fround(0.75 * value)) };
      const options = { dataRange: 1, defaults: 'torchmetrics' } as const;
      return [structuralSimilarity(a, b, options), multiscaleStructuralSimilarity(a, b, options)] as const;
    });
    const mean = (which: 0 | 1) => scores.reduce((sum, score) => sum + score[which] / 3, 0);
    expect(mean(0)).toBeCloseTo(golden.torchmetricsExample.ssim, 5);
    expect(mean(1)).toBeCloseTo(golden.torchmetricsExample.msSsim, 5);
    expect(mean(0)).toBeCloseTo(0.9219, 4);
    expect(mean(1)).toBeCloseTo(0.9628, 4);
  });
});

describe('defined corners', () => {
  it('equal pictures', () => {
    expect(structuralSimilarity(color, color, { dataRange: 1 })).toBe(1);
    expect(peakSignalNoiseRatio(color, color, { dataRange: 1 })).toBe(Infinity);
  });

  it('constant pictures: luminance alone is compared', () => {
    const flat = (value: number): Image => ({ data: new Array(64).fill(value), width: 8, height: 8, channels: 1 });
    const [x, y, c1] = [0.25, 0.75, 1e-4];
    const luminance = (2 * x * y + c1) / (x * x + y * y + c1);
    expect(structuralSimilarity(flat(x), flat(y), { dataRange: 1 })).toBeCloseTo(luminance, 10);
    expect(structuralSimilarity(flat(0), flat(0), { dataRange: 1 })).toBe(1);
  });

  it('errors over a size of zero: nothing of nothing, and something of nothing', () => {
    const flat = (value: number): Image => ({ data: new Array(4).fill(value), width: 2, height: 2, channels: 1 });
    expect(normalizedRootMse(flat(0), flat(0))).toBe(0);
    expect(normalizedRootMse(flat(0), flat(1))).toBe(Infinity);
    expect(normalizedRootMse(flat(1), flat(1), 'min-max')).toBe(0);
    expect(normalizedRootMse(flat(1), flat(2), 'min-max')).toBe(Infinity);
    expect(normalizedRootMse(flat(2), flat(3), 'mean')).toBe(0.5);
  });

  it('luma is compared in one channel', () => {
    const luma = (image: Image): Image => ({
      data: Array.from({ length: image.width * image.height }, (_, i) => {
        const [r, g, b] = [0, 1, 2].map((c) => image.data[3 * i + c]!) as [number, number, number];
        return 0.299 * r + 0.587 * g + 0.114 * b;
      }),
      width: image.width,
      height: image.height,
      channels: 1,
    });
    const other = noisy(color, 0.8, 2);
    const expected = structuralSimilarity(luma(color), luma(other), { dataRange: 1 });
    expect(structuralSimilarity(color, other, { dataRange: 1, color: 'luma' })).toBeCloseTo(expected, 12);
  });
});

describe('bad input', () => {
  const a = ramp(16, 16, 1);
  const score = (b: Image, options: object = {}) => structuralSimilarity(a, b, { dataRange: 1, ...options });

  it.each([
    ['another size', () => score(ramp(16, 17, 1)), 'METRIC_SHAPE_MISMATCH', /16 x 16 .* 17 x 16/],
    ['other channels', () => score(ramp(16, 16, 3)), 'METRIC_SHAPE_MISMATCH', /3 channels/],
    ['NaN', () => score({ ...a, data: a.data.with(35, NaN) }), 'METRIC_NOT_FINITE', /NaN at row 2, column 3/],
    ['bytes called [0, 1]', () => score({ ...a, data: a.data.map((v) => v * 255) }), 'METRIC_OUT_OF_RANGE', /\[0, 1\]/],
    [
      'negative values called [0, 1]',
      () => score({ ...a, data: a.data.map((v) => 2 * v - 1) }),
      'METRIC_OUT_OF_RANGE',
      /-0.5/,
    ],
    ['too few numbers', () => score({ ...a, data: a.data.slice(1) }), 'METRIC_BAD_IMAGE', /255 numbers/],
    ['no size', () => score({ ...a, width: 0 }), 'METRIC_BAD_IMAGE', /b.width/],
    ['no options', () => peakSignalNoiseRatio(a, a, undefined as never), 'METRIC_BAD_ARGUMENT', /dataRange/],
    ['no picture', () => score(undefined as never), 'METRIC_BAD_IMAGE', /b.width/],
    ['no data range', () => score(a, { dataRange: undefined }), 'METRIC_BAD_ARGUMENT', /255 for bytes/],
    ['an even window', () => score(a, { winSize: 8 }), 'METRIC_BAD_ARGUMENT', /winSize/],
    ['a window with weights', () => score(a, { winSize: 7, gaussianWeights: true }), 'METRIC_BAD_ARGUMENT', /truncate/],
    ['a bad sigma', () => score(a, { sigma: 0, gaussianWeights: true }), 'METRIC_BAD_ARGUMENT', /sigma/],
    ['an unknown way to thin out', () => score(a, { downsample: 'half' }), 'METRIC_BAD_ARGUMENT', /'blocks'/],
    ['an unknown default', () => score(a, { defaults: 'wnag' }), 'METRIC_BAD_ARGUMENT', /'wang'/],
    ['a window too large', () => score(a, { winSize: 17 }), 'METRIC_TOO_SMALL', /17 x 17/],
  ])('%s', (_, run, code, message) => {
    expect(run).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });

  it('values beyond the range pass when the caller says so', () => {
    const b = { ...a, data: a.data.map((v) => v * 1.01) };
    expect(() => peakSignalNoiseRatio(a, b, { dataRange: 1 })).toThrow(/checkRange: false/);
    expect(peakSignalNoiseRatio(a, b, { dataRange: 1, checkRange: false })).toBeGreaterThan(40);
  });

  it('noise is not symmetric by accident', () => {
    const next = lcg(9);
    expect(score({ ...a, data: a.data.map(() => next()) })).toBeLessThan(0.2);
  });
});

async function readGrey(path: string): Promise<Image> {
  const { data, info } = await sharp(path).greyscale().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

function blockMeans({ data, width, height }: Image): Float64Array {
  const out = new Float64Array((width / 2) * (height / 2));
  for (let i = 0; i < out.length; i++) {
    const [x, y] = [2 * (i % (width / 2)), 2 * Math.floor(i / (width / 2))];
    out[i] = [0, 1].reduce((sum, dy) => sum + data[(y + dy) * width + x]! + data[(y + dy) * width + x + 1]!, 0) / 4;
  }
  return out;
}
