import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { InceptionV3, type InceptionTap, type ResizeMode } from '../src/index.ts';
import { resizeForInception } from '../src/networks/resize.ts';
import { hashedImages, hashedWeights } from './hashed.ts';
import { inceptionConvolutions, inceptionShapes } from './inception-shapes.ts';
// pytorch-fid and torchvision with the same weights: tools/reference/metrics/inception.py.
import golden from './fixtures/inception.json' with { type: 'json' };

type Case = keyof typeof golden;
const small = () => hashedImages(2, 40, 35, 1);
const large = () => hashedImages(1, 320, 310, 2);
const taps: InceptionTap[] = [64, 192, 768, 2048, 'logits', 'logits_unbiased', 'spatial'];
// torch computes positions in float32, which moves its own result by this much.
const tolerance = { legacy_pytorch: 4e-5, legacy_tensorflow: 3e-6, clean: 3e-6 };
const modes: ResizeMode[] = ['legacy_pytorch', 'legacy_tensorflow', 'clean'];
// 11 billion operations a picture: the plain cpu engine would take minutes.
const fast = () => tf.getBackend() !== 'cpu';

/** Every 37th number, within `rtol` of the sample's size. */
function expectSample(features: tf.Tensor2D, expected: { sample: number[]; size: number }): void {
  expect(features.shape[1]).toBe(expected.size);
  const size = Math.sqrt(expected.sample.reduce((sum, value) => sum + value ** 2, 0) / expected.sample.length);
  const sample = features.dataSync().filter((_, i) => i % 37 === 0);
  expect(sample).toBeAllClose(expected.sample, { rtol: 1e-4, atol: 1e-4 * size });
}

describe('resizing', () => {
  it.each(modes)('brings small pictures to the range of %s as the reference does', (mode) => {
    const name = (mode === 'legacy_pytorch' ? 'fid-small' : `fid-small-${mode}`) as Case;
    const sample = resizeForInception(small(), mode)
      .dataSync()
      .filter((_, i) => i % 4999 === 0);
    expect(sample).toBeAllClose(golden[name].inputSample, { rtol: 0, atol: tolerance[mode] });
  });

  it.for(modes)('and large ones, %s', (mode, { skip }) => {
    if (!fast()) skip('too slow on this engine');
    const sample = resizeForInception(large(), mode)
      .dataSync()
      .filter((_, i) => i % 4999 === 0);
    expect(sample).toBeAllClose(golden[`fid-large-${mode}` as Case].inputSample, { rtol: 0, atol: tolerance[mode] });
  });

  it('takes bytes and grey pictures, and leaves 299 x 299 alone', () => {
    const bytes = tf.cast<tf.Tensor4D>(tf.round(tf.mul(small(), 255)), 'int32');
    const unit = tf.div<tf.Tensor4D>(tf.cast(bytes, 'float32'), 255);
    expect(resizeForInception(bytes, 'clean')).toBeAllClose(resizeForInception(unit, 'clean'));
    const grey = tf.slice(unit, [0, 0, 0, 0], [2, 40, 35, 1]);
    const color = tf.concat([grey, grey, grey], 3);
    expect(resizeForInception(grey, 'legacy_pytorch')).toBeAllClose(resizeForInception(color, 'legacy_pytorch'));
    const exact = tf.fill<tf.Rank.R4>([1, 299, 299, 3], 0.25);
    for (const mode of modes)
      expect(resizeForInception(exact, mode).dataSync()[0]).toBeCloseTo(
        mode === 'legacy_pytorch' ? -0.5 : -0.501953125,
        6,
      );
    expect(() => resizeForInception(tf.zeros([1, 8, 8, 2]), 'clean')).toThrow(/3 or 1/);
    expect(() => resizeForInception(exact, 'pil' as ResizeMode)).toThrow(/legacy_pytorch/);
  });
});

describe('InceptionV3', () => {
  it("has pytorch-fid's features at all taps", async ({ skip }) => {
    if (!fast()) skip('too slow on this engine');
    const net = new InceptionV3(hashedWeights(inceptionShapes(1008)));
    expect(net.layout).toBe('fid');
    net.extract(small(), taps).forEach((features, i) => expectSample(features, golden['fid-small'][taps[i] as 64]));
    const images = small();
    await expect(() => net.features(images, 64).dispose()).toLeakNoTensors();
    expect(() => net.features(tf.mul(images, 255), 64)).toThrow(/cast bytes to int32/);
    net.dispose();
  });

  it('has them with another resize', ({ skip }) => {
    const mode = 'clean';
    if (!fast()) skip('too slow on this engine');
    const net = new InceptionV3(hashedWeights(inceptionShapes(1008)), { mode });
    expectSample(net.features(small()), golden[`fid-small-${mode}`][2048]);
    net.dispose();
  });

  it("has torchvision's features", ({ skip }) => {
    if (!fast()) skip('too slow on this engine');
    const net = new InceptionV3(hashedWeights(inceptionShapes(1000)));
    expect(net.layout).toBe('torchvision');
    const wanted: InceptionTap[] = [768, 2048, 'logits'];
    net
      .extract(small(), wanted)
      .forEach((features, i) => expectSample(features, golden['torchvision-small'][wanted[i] as 768]));
    net.dispose();
  });

  it('has 94 convolutions with batch norm', () => {
    expect(inceptionConvolutions).toHaveLength(94);
  });

  it('refuses other weights, and frees what it had taken', async () => {
    const shapes = { 'fc.weight': [1008, 2048], 'Conv2d_1a_3x3.conv.weight': [32, 3, 5, 5] };
    const build = () => new InceptionV3(hashedWeights(shapes));
    const code = 'METRIC_WRONG_WEIGHTS';
    expect(build).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(/missing: .* in all; shapes: Conv2d_1a_3x3/) }),
    );
    await expect(() => void expect(build).toThrow()).toLeakNoTensors();
    expect(() => new InceptionV3({})).toThrow(/no `fc.weight`/);
    expect(() => new InceptionV3(hashedWeights({ 'fc.weight': [5, 2048] }))).toThrow(/5 classes/);
    expect(() => new InceptionV3({}, { layout: 'keras' as never })).toThrow(/'fid' or 'torchvision'/);
  });
});
