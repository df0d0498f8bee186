import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { sharedFile } from '@missing-u/test-utils';
import type { StateDict } from '@missing-u/weights';
import { FeatureStatistics, frechetDistance, InceptionV3 } from '../src/index.ts';
import { hashed } from './hashed.ts';
import { inceptionConvolutions } from './inception-shapes.ts';
import { nsfwTrunk } from './nsfw-trunk.mjs';
// PyTorch with the same weights and faces: tools/reference/metrics/nsfw_trunk.py.
import golden from './fixtures/nsfw-trunk.json' with { type: 'json' };

const names = Array.from({ length: 12 }, (_, i) => `denoising/Set12/${String(i + 1).padStart(2, '0')}.png`);
const files = names.map(sharedFile);

it.skipIf(files.includes(undefined))(
  'tells noise as PyTorch does, by the same distances (needs shared/data/denoising/Set12)',
  async ({ skip }) => {
    if (tf.getBackend() === 'cpu') skip('too slow on this engine');
    // Four of the pictures and three of the levels of the fixture: all of them take a minute.
    const count = 4;
    const levels = [0, 15, 60];

    const network = new InceptionV3(trunk(), { layout: 'torchvision' });
    const sheets = await Promise.all(files.slice(0, count).map((file) => readGrey(file!)));
    const taps = [768, 2048] as const;
    const statistics = (images: tf.Tensor4D) =>
      network.extract(images, taps).map((features) => new FeatureStatistics().update(features).compute());
    const reference = statistics(photographs(sheets, 0, 0));
    const distances = levels.map((level) =>
      statistics(photographs(sheets, 64, level)).map(({ mu, sigma }, tap) =>
        frechetDistance(reference[tap]!.mu, reference[tap]!.sigma, mu, sigma),
      ),
    );
    taps.forEach((tap, i) => {
      const expected = levels.map((level) => golden[tap].four[golden.levels.indexOf(level)]!);
      expect(distances.map((pair) => pair[i]!)).toBeAllClose(expected, { rtol: 1e-3, atol: 0 });
      expect(expected).toEqual([...expected].sort((a, b) => a - b));
    });
    network.dispose();
  },
  180_000,
);

/** Names of torchvision for the numbered convolutions. */
function trunk(): StateDict {
  return Object.fromEntries(
    nsfwTrunk().flatMap((parts, i) => {
      const name = Object.keys(inceptionConvolutions[i]!)[0]!.replace('.conv.weight', '');
      return Object.entries(parts).map(([part, tensor]) => [`${name}.${part}`, tensor]);
    }),
  );
}

interface Sheet {
  readonly data: Uint8Array;
  readonly width: number;
}

async function readGrey(file: string): Promise<Sheet> {
  const { data, info } = await sharp(file).greyscale().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width };
}

/** 128 x 128 pixels of each picture, from row 64 and a column on, with uniform noise of that deviation in bytes, in [0, 1]. */
function photographs(sheets: readonly Sheet[], left: number, level: number): tf.Tensor4D {
  const size = 128 * 128;
  const noise = hashed(12 * size, 1000 + level);
  const pixels = Float32Array.from({ length: sheets.length * size }, (_, i) => {
    const { data, width } = sheets[Math.floor(i / size)]!;
    const [y, x] = [64 + Math.floor((i % size) / 128), left + (i % 128)];
    const value = data[y * width + x]! / 255;
    return Math.min(Math.max(value + (level / 255) * Math.sqrt(12) * (noise[i]! - 0.5), 0), 1);
  });
  return tf.tensor4d(pixels, [sheets.length, 128, 128, 1]);
}
