import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedFile } from '@missing-u/test-utils';
import { FrechetInceptionDistance, MetricError } from '../src/index.ts';
import { MnistClassifier, MnistConfidence } from '../src/mnist.ts';

const images = sharedFile('mnist/t10k-images-idx3-ubyte.gz');
const labels = sharedFile('mnist/t10k-labels-idx1-ubyte.gz');

describe.skipIf(!images || !labels)('MnistClassifier (needs shared/data/mnist)', () => {
  let pixels: Uint8Array;
  let digits: Uint8Array;
  beforeAll(async () => {
    pixels = (await gunzip(images!)).subarray(16);
    digits = (await gunzip(labels!)).subarray(8);
  });
  const batch = (from: number, count: number) =>
    tf.tensor4d(pixels.subarray(from * 784, (from + count) * 784), [count, 28, 28, 1], 'int32');

  it('reads at least 99 % of the test digits', async ({ skip }) => {
    if (tf.getBackend() === 'cpu') skip('ten thousand digits take minutes on this engine');
    const classifier = await MnistClassifier.load();
    const count = 10_000;
    let right = 0;
    for (let from = 0; from < count; from += 500) {
      const guesses = tf.tidy(() => Array.from(tf.argMax(classifier.logits(batch(from, 500)), 1).dataSync()));
      right += guesses.reduce<number>((sum, guess, i) => sum + (guess === digits[from + i] ? 1 : 0), 0);
    }
    expect(right / count).toBeGreaterThanOrEqual(0.99);
    classifier.dispose();
  });

  it('measures digits under its own name: noise moves them away, more noise further', async () => {
    const classifier = await MnistClassifier.load();
    const [real, other] = [batch(0, 150), batch(150, 150)];
    const distances: number[] = [];
    for (const amount of [0, 0.2, 0.5]) {
      const metric = new FrechetInceptionDistance({ feature: classifier.extractor(), warn: () => undefined });
      expect(metric.name).toBe('fid-mnist');
      await metric.update(real, { real: true });
      const noise = tf.tensor4d(
        Float32Array.from({ length: other.size }, (_, i) => ((i * 7919) % 1009) / 1009),
        other.shape,
      );
      const noisy = tf.clipByValue<tf.Tensor4D>(
        tf.add(tf.div(tf.cast(other, 'float32'), 255), tf.mul(noise, amount)),
        0,
        1,
      );
      await metric.update(noisy, { real: false });
      distances.push(await metric.compute());
    }
    expect(distances[0]).toBeLessThan(distances[1]! / 2);
    expect(distances[1]).toBeLessThan(distances[2]!);
    await expect(() => classifier.logits(real).dispose()).toLeakNoTensors();
    classifier.dispose();
  });

  it('averages three channels, and refuses other sizes', async () => {
    const classifier = await MnistClassifier.load();
    const grey = batch(0, 2);
    expect(classifier.features(tf.concat([grey, grey, grey], 3))).toBeAllClose(classifier.features(grey), {
      rtol: 1e-4,
      atol: 1e-4,
    });
    expect(classifier.features(tf.div<tf.Tensor4D>(tf.cast(grey, 'float32'), 255))).toBeAllClose(
      classifier.features(grey),
      { rtol: 1e-4, atol: 1e-4 },
    );
    expect(() => classifier.features(tf.zeros([1, 32, 32, 1]))).toThrow(MetricError);
    expect(() => new MnistClassifier({})).toThrow(/not the weights of the MNIST classifier/);
    classifier.dispose();
  });
});

describe('MnistConfidence', () => {
  it('counts the digits that the classifier is sure of', async () => {
    // Logits of three classes that matter: a probability of 0.9 needs a lead of log(9 * 9) over nine equal others.
    const lead = Math.log(81);
    const rows = [
      [3, lead + 0.01],
      [3, lead - 0.01],
      [7, 20],
    ].map(([digit, value]) => Array.from({ length: 10 }, (_, k) => (k === digit ? value! : 0)));
    const pictures = tf.zeros<tf.Rank.R4>([3, 28, 28, 1]);
    const classifier = { logits: () => tf.tensor2d(rows) };
    const confidence = new MnistConfidence(classifier);
    expect(() => confidence.compute()).toThrow(expect.objectContaining({ code: 'METRIC_TOO_FEW' }));
    for (const times of [1, 2]) {
      await confidence.update(pictures);
      const counts = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0].map((count) => times * count);
      expect(confidence.compute()).toEqual({ images: 3 * times, share: 2 / 3, counts });
    }
    await expect(() => new MnistConfidence(classifier).update(pictures)).toLeakNoTensors();
    pictures.dispose();
  });
});

async function gunzip(path: string): Promise<Uint8Array> {
  const { readFile } = process.getBuiltinModule('node:fs/promises');
  const stream = new Blob([await readFile(path)]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
