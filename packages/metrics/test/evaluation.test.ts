import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@missing-u/engine';
import * as tf from '@tensorflow/tfjs-core';
import { Command } from 'commander';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { compareImagesCommand, evaluateCommand } from '../src/cli/index.ts';
import { main } from '../src/cli/main.ts';
import {
  frechetDistanceOfFeatures,
  inceptionScore,
  precisionRecall,
  saveMoments,
  type FeatureMatrix,
} from '../src/index.ts';
import { momentsOf } from '../src/distributions/frechet-distance.ts';
import { compareImages, evaluate, imageFiles, readFolder, readImage, type EvaluationNetwork } from '../src/node.ts';
import { lcg } from './pictures.ts';

let root: string;
const at = (...names: string[]) => join(root, ...names);
/** Six means of rows and columns of blocks stand for features, their differences for logits. */
const network: EvaluationNetwork = {
  suffix: '-means',
  run: (images) => {
    const means = tf.avgPool(tf.cast<tf.Tensor4D>(images, 'float32'), 4, 4, 'valid');
    const features = tf.reshape<tf.Rank.R2>(means, [images.shape[0], -1]);
    return { features, logits: tf.mul(features, 0.01), spatial: tf.mul(features, 2) };
  },
  dispose: () => undefined,
};

beforeAll(async () => {
  await useEngine('wasm');
  root = await mkdtemp(join(tmpdir(), 'metrics-'));
  const random = lcg(1);
  for (const [folder, count, level] of [
    ['real', 30, 255],
    ['fake', 25, 180],
  ] as const) {
    await mkdir(at(folder));
    for (let i = 0; i < count; i++) {
      const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, () => Math.floor(random() * level));
      await sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } })
        .png()
        .toFile(at(folder, `${String(i).padStart(3, '0')}.png`));
    }
  }
});
afterAll(() => rm(root, { recursive: true }));

describe('readImage', () => {
  const color = Uint8Array.from({ length: 2 * 3 * 3 }, (_, i) => 10 * i);
  const raw = (data: Uint8Array, channels: 1 | 2 | 3 | 4) => sharp(data, { raw: { width: 3, height: 2, channels } });

  it('makes grey pictures three equal channels, and drops transparency as Pillow does', async () => {
    await raw(Uint8Array.of(0, 50, 100, 150, 200, 250), 1)
      .toColourspace('b-w')
      .png()
      .toFile(at('grey.png'));
    const grey = await readImage(at('grey.png'));
    expect(Array.from(grey.data)).toEqual([0, 50, 100, 150, 200, 250].flatMap((value) => [value, value, value]));
    await raw(color, 3).png().toFile(at('color.png'));
    expect(await readImage(at('color.png'))).toMatchObject({
      data: Buffer.from(color),
      width: 3,
      height: 2,
      channels: 3,
    });
    const transparent = Uint8Array.from({ length: 2 * 3 * 4 }, (_, i) => (i % 4 === 3 ? 20 : 5 * i));
    await raw(transparent, 4).png().toFile(at('transparent.png'));
    expect(Array.from((await readImage(at('transparent.png'))).data)).toEqual(
      Array.from(transparent).filter((_, i) => i % 4 !== 3),
    );
  });

  it('reads JPEG and WebP', async () => {
    await raw(color, 3).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toFile(at('a.jpg'));
    await raw(color, 3).webp({ lossless: true }).toFile(at('a.webp'));
    expect(Array.from((await readImage(at('a.webp'))).data)).toEqual(Array.from(color));
    expect((await readImage(at('a.jpg'))).data).toBeAllClose(Array.from(color), { atol: 6 });
  });

  it('names what is wrong', async () => {
    await writeFile(at('broken.png'), 'no picture');
    await expect(readImage(at('broken.png'))).rejects.toMatchObject({
      code: 'METRIC_BAD_IMAGE',
      message: expect.stringMatching(/broken.png/),
    });
    await expect(imageFiles(at('nowhere'))).rejects.toMatchObject({ code: 'METRIC_NO_IMAGES' });
    await mkdir(at('empty'), { recursive: true });
    await expect(imageFiles(at('empty'))).rejects.toThrow(/no pictures/);
  });
});

describe('readFolder', () => {
  it('gives batches of one size, names broken files, or fails at them', async () => {
    const folder = at('mixed');
    await mkdir(folder);
    const flat = (side: number) =>
      sharp({ create: { width: side, height: side, channels: 3, background: { r: side, g: 0, b: 0 } } }).png();
    for (const [name, side] of [
      ['a', 8],
      ['b', 8],
      ['d', 8],
      ['e', 9],
    ] as const)
      await flat(side).toFile(join(folder, `${name}.png`));
    await writeFile(join(folder, 'c.png'), Buffer.from([0x89, 0x50, 0x4e, 0x47]));
    await writeFile(join(folder, 'notes.txt'), 'no picture, and no file for one');

    const [broken, progress]: [string[], number[]] = [[], []];
    const sizes: number[][] = [];
    const options = {
      batchSize: 2,
      onBroken: (file: string) => broken.push(file),
      onProgress: (done: number) => progress.push(done),
    };
    for await (const batch of readFolder(folder, options)) sizes.push([batch.files.length, batch.width]);
    expect(sizes).toEqual([
      [2, 8],
      [1, 8],
      [1, 9],
    ]);
    expect(broken).toEqual([join(folder, 'c.png')]);
    expect(progress).toEqual([2, 4, 5]);
    const strict = async () => {
      for await (const _ of readFolder(folder, { strict: true }));
    };
    await expect(strict()).rejects.toThrow(/c.png/);
    await expect(readFolder(folder, { batchSize: 0 }).next()).rejects.toThrow(/batchSize/);
  });
});

/** The features that `network` gives for a folder. */
async function featuresOf(folder: string): Promise<FeatureMatrix> {
  for await (const { data, files, width, height } of readFolder(at(folder))) {
    const { features } = network.run(tf.tensor4d(data, [files.length, height, width, 3], 'int32'));
    return { data: Float64Array.from(features.dataSync()), rows: features.shape[0], columns: features.shape[1] };
  }
  throw new Error('no pictures');
}

describe('evaluate', () => {
  it('gives the numbers of the functions, under the keys of torch-fidelity and the name of the network', async () => {
    const [real, fake] = [await featuresOf('real'), await featuresOf('fake')];
    const result = await evaluate({ real: at('real'), fake: at('fake'), network, batchSize: 7 });
    expect(Object.keys(result)).toEqual(
      [
        'inception_score_mean',
        'inception_score_std',
        'frechet_inception_distance',
        'kernel_inception_distance_mean',
        'kernel_inception_distance_std',
        'precision',
        'recall',
        'f_score',
        'density',
        'coverage',
      ].map((key) => `${key}-means`),
    );
    expect(result['frechet_inception_distance-means']).toBeAllClose(frechetDistanceOfFeatures(real, fake), {
      rtol: 1e-9,
    });
    expect(result['precision-means']).toBe(precisionRecall(fake, real).precision);
    const logits = { ...fake, data: fake.data.map((value) => value * 0.01) };
    expect(result['inception_score_mean-means']).toBeCloseTo(inceptionScore(logits).mean, 1);
  });

  it('takes statistics in place of real pictures, for the Fréchet distance alone', async () => {
    await saveMoments(momentsOf(await featuresOf('real')), at('real.npz'));
    const options = { fake: at('fake'), network, metrics: ['fid'] as const };
    const warnings: string[] = [];
    const fromFile = await evaluate({ ...options, real: at('real.npz'), warn: (message) => warnings.push(message) });
    const fromFolder = await evaluate({ ...options, real: at('real') });
    expect(Object.values(fromFile)).toBeAllClose(Object.values(fromFolder), { rtol: 1e-10 });
    await expect(evaluate({ ...options, real: at('real.npz'), metrics: ['kid'] })).rejects.toThrow(/kid/);
    await expect(evaluate({ ...options, real: at('real'), metrics: ['lpips' as 'fid'] })).rejects.toThrow(
      /Allowed: fid/,
    );
  });

  it('writes the statistics of the real pictures, and takes a file for either side', async () => {
    const file = at('saved.npz');
    const options = { fake: at('fake'), network, metrics: ['fid'] as const, warn: () => undefined };
    const whole = await evaluate({ ...options, real: at('real'), saveReal: file });
    expect(await evaluate({ ...options, real: file })).toEqual(whole);
    const turned = await evaluate({ ...options, fake: file, real: at('fake') });
    expect(Object.values(turned)).toBeAllClose(Object.values(whole), { rtol: 1e-9 });
    await expect(evaluate({ ...options, fake: file, real: file, metrics: ['is'] })).rejects.toThrow(/`fake`/);
    await expect(evaluate({ ...options, real: at('real'), metrics: ['is'], saveReal: file })).rejects.toThrow(
      /saveReal/,
    );
  });

  it('gives sFID of networks with spatial features', async () => {
    const options = { real: at('real'), fake: at('fake'), metrics: ['fid', 'sfid'] as const, warn: () => undefined };
    const result = await evaluate({ ...options, network });
    // Twice the features are four times the distance.
    expect(result['spatial_frechet_inception_distance-means']).toBeAllClose(
      4 * result['frechet_inception_distance-means']!,
      { rtol: 1e-6 },
    );
    const flat: EvaluationNetwork = {
      ...network,
      run: (images) => {
        const { features, logits } = network.run(images);
        return { features, logits };
      },
    };
    await expect(evaluate({ ...options, network: flat })).rejects.toThrow(/spatial features/);
  });

  it('says what few pictures mean', async () => {
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    await mkdir(at('few'));
    for (const name of ['000.png', '001.png', '002.png', '003.png']) await copyFile(at('fake', name), at('few', name));
    await evaluate({ real: at('real'), fake: at('few'), network, warn });
    expect(warnings.join(' ')).toMatch(/4 splits.*4 generated images are fewer than the 12 features.*1000 of a subset/);
  });

  it('leaks nothing, not where it fails either', async () => {
    const options = { real: at('real'), fake: at('fake'), network, metrics: ['prdc'] as const };
    await expect(() => evaluate(options)).toLeakNoTensors();
    await expect(() => evaluate({ ...options, real: at('empty') }).catch(() => undefined)).toLeakNoTensors();
  });
});

describe('compareImages', () => {
  it('compares two files', async () => {
    const result = await compareImages(at('real', '000.png'), at('real', '000.png'));
    // 8 x 8 pixels hold scikit-image's window, but not Wang's.
    expect(result).toEqual({ mse: 0, psnr: Infinity, ssim: 1 });
  });
});

describe('the commands', () => {
  const host = { startEngine: vi.fn(async () => undefined) };
  const run = async (...args: string[]) => {
    const out: string[] = [];
    const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    const program = new Command().addCommand(evaluateCommand(host)).addCommand(compareImagesCommand(host));
    for (const command of [program, ...program.commands]) command.exitOverride();
    await program.parseAsync(args, { from: 'user' }).finally(() => vi.restoreAllMocks());
    expect(spy).toBeDefined();
    return out.join('');
  };

  it('compare-images prints JSON and text', async () => {
    const files = [at('big-a.png'), at('big-b.png')] as const;
    for (const [i, file] of files.entries()) {
      const pixels = Uint8Array.from({ length: 165 * 170 * 3 }, (_, k) => (k * 7 + i * (k % 13)) % 256);
      await sharp(pixels, { raw: { width: 165, height: 170, channels: 3 } })
        .png()
        .toFile(file);
    }
    const result = JSON.parse(await run('compare-images', ...files, '--json')) as Record<string, number>;
    expect(Object.keys(result)).toEqual(['mse', 'psnr', 'ssim', 'ssim_wang', 'ms_ssim']);
    expect(await run('compare-images', ...files)).toMatch(/^mse +\d/);
    expect(host.startEngine).not.toHaveBeenCalled();
  });

  it('evaluate prints numbers of digits under their name, names broken files, and fails at them where strict', async () => {
    const random = lcg(3);
    for (const folder of ['digits-a', 'digits-b']) {
      await mkdir(at(folder));
      for (let i = 0; i < 12; i++) {
        const pixels = Uint8Array.from({ length: 784 }, () => 255 * random());
        await sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } })
          .toColourspace('b-w')
          .png()
          .toFile(at(folder, `${i}.png`));
      }
    }
    await writeFile(at('digits-b', 'broken.png'), 'no picture');
    const flags = ['--real', at('digits-a'), '--fake', at('digits-b'), '--metrics', 'fid,is', '--features', 'mnist'];
    const result = JSON.parse(await run('evaluate', ...flags, '--json')) as Record<string, number>;
    expect(Object.keys(result)).toEqual(
      ['inception_score_mean', 'inception_score_std', 'frechet_inception_distance'].map((key) => `${key}-mnist`),
    );
    expect(await run('evaluate', ...flags)).toMatch(/frechet_inception_distance-mnist +\d/);
    await expect(run('evaluate', ...flags, '--strict')).rejects.toThrow(/broken.png/);
  });

  it('evaluate looks for the pictures before it starts anything', async () => {
    await mkdir(at('classes', 'cats'), { recursive: true });
    host.startEngine.mockClear();
    const flags = ['--metrics', 'fid', '--features', 'mnist'];
    for (const [folder, message] of [
      ['nowhere', /Cannot read the folder '.*nowhere'/],
      ['classes', /'.*classes' has no pictures .*name one of them/],
    ] as const) {
      await expect(run('evaluate', '--real', at(folder), '--fake', at(folder), ...flags)).rejects.toThrow(message);
    }
    expect(host.startEngine).not.toHaveBeenCalled();
  });

  it('missing-u-metrics is a program of its own', async () => {
    const errors: string[] = [];
    const out = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => errors.push(String(text)) > 0);
    const files = [at('real', '000.png'), at('real', '001.png')] as const;
    expect(await main(['compare-images', ...files, '--json'])).toBe(0);
    expect(JSON.parse(String(out.mock.calls[0]![0]))).toMatchObject({ mse: expect.any(Number) });
    expect(await main(['compare-images', files[0], at('broken.png')])).toBe(2);
    expect(errors.join('')).toMatch(/^missing-u-metrics: .*broken.png.*\[METRIC_BAD_IMAGE\]/);
    expect(await main(['compare-images', files[0]])).toBe(2);
    expect(await main(['--help'])).toBe(0);
    vi.restoreAllMocks();
  });

  it('evaluate refuses what it does not know', async () => {
    await expect(run('evaluate', '--real', 'a', '--fake', 'b', '--metrics', 'fdi')).rejects.toThrow(/fid, kid/);
    await expect(run('evaluate', '--real', 'a')).rejects.toThrow(/--fake/);
    await expect(run('evaluate', '--fake', 'a')).rejects.toThrow(/--real/);
  });
});
