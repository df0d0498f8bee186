import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@missing-u/engine';
import * as tf from '@tensorflow/tfjs-core';
import { Command } from 'commander';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { compareImagesCommand, evaluateCommand } from '../src/cli/index.ts';
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
    return { features, logits: tf.mul(features, 0.01) };
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

  it('evaluate refuses what it does not know', async () => {
    await expect(run('evaluate', '--real', 'a', '--fake', 'b', '--metrics', 'fdi')).rejects.toThrow(/fid, kid/);
    await expect(run('evaluate', '--real', 'a')).rejects.toThrow(/--fake/);
  });
});
