import { compile, useEngine } from '@missing-u/engine';
import { findInstallations } from '@missing-u/engine/node';
import { toFloat32, type StateDict } from '@missing-u/weights';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { DISTS, InceptionV3, LPIPS } from '../src/index.ts';
import { MnistClassifier } from '../src/mnist.ts';
import { hashedImages, hashedWeights } from './hashed.ts';
import { inceptionShapes } from './inception-shapes.ts';
import { headShapes, trunkShapes } from './trunk-shapes.ts';

const installed = (await findInstallations()).some(({ fault }) => fault === undefined);
if (installed) await useEngine('native', { threads: 2 });

const absolute = (dict: StateDict): StateDict =>
  Object.fromEntries(Object.entries(dict).map(([name, t]) => [name, { ...t, data: toFloat32(t).map(Math.abs) }]));

/** Runs a function compiled and as it is, and compares in the size of the largest element. */
function expectSame(fn: (...images: tf.Tensor4D[]) => tf.Tensor[], ...images: tf.Tensor4D[]): void {
  const step = compile(fn);
  const eager = tf.tidy(() => fn(...images));
  for (let call = 0; call < 2; call++) {
    const graph = step(...images);
    graph.forEach((tensor, i) => {
      const largest = Math.max(...eager[i]!.dataSync().map(Math.abs));
      expect(largest).toBeGreaterThan(0);
      expect(tensor).toBeAllClose(eager[i]!, { rtol: 0, atol: 1e-5 * largest });
    });
    tf.dispose(graph);
  }
  step.dispose();
  tf.dispose(eager);
}

describe.skipIf(!installed)('compiled networks of metrics (needs `missing-u native install`)', () => {
  it.each(['squeeze', 'alex', 'vgg'] as const)('LPIPS of %s equals itself, in its distance and gradient', (net) => {
    const lpips = new LPIPS({
      net,
      trunk: hashedWeights(trunkShapes[net]),
      heads: absolute(hashedWeights(headShapes(net))),
    });
    const [a, b] = [hashedImages(1, 40, 40, 1), hashedImages(1, 40, 40, 2)];
    const distance = (x: tf.Tensor4D, y: tf.Tensor4D) => lpips.distance(x, y, { normalize: true, checkRange: false });
    expectSame((x, y) => [distance(x, y), tf.grad((v) => tf.sum(distance(x, v as tf.Tensor4D)))(y)], a, b);
    lpips.dispose();
    tf.dispose([a, b]);
  });

  it('DISTS equals itself, in its distance and gradient', () => {
    const heads = absolute(hashedWeights({ alpha: [1, 1475, 1, 1], beta: [1, 1475, 1, 1] }));
    const dists = new DISTS({ trunk: hashedWeights(trunkShapes.vgg), heads });
    const [a, b] = [hashedImages(1, 16, 16, 1), hashedImages(1, 16, 16, 2)];
    const distance = (x: tf.Tensor, y: tf.Tensor) =>
      dists.distance(x as tf.Tensor4D, y as tf.Tensor4D, { checkRange: false });
    expectSame((x, y) => [distance(x, y), tf.grad((v) => tf.sum(distance(x, v)))(y)], a, b);
    dists.dispose();
    tf.dispose([a, b]);
  });

  it('the classifier of digits equals itself, in its logits and features', async () => {
    const classifier = await MnistClassifier.load();
    const images = tf.tidy(() => tf.slice(hashedImages(4, 28, 28, 1), [0, 0, 0, 0], [4, 28, 28, 1]));
    expectSame((x) => [classifier.logits(x), classifier.features(x)], images);
    classifier.dispose();
    images.dispose();
  });

  it('Inception equals itself, in its features and their gradient', () => {
    const network = new InceptionV3(hashedWeights(inceptionShapes(1008)));
    const images = hashedImages(1, 32, 32, 1);
    const features = (x: tf.Tensor4D) => network.features(x, 192, { checkRange: false });
    expectSame(
      (x) => [network.features(x, 2048, { checkRange: false }), tf.grad((v) => tf.sum(features(v as tf.Tensor4D)))(x)],
      images,
    );
    network.dispose();
    images.dispose();
  }, 240_000);

  it('Inception that looks at the range of its pictures is refused, with the remedy', () => {
    const network = new InceptionV3(hashedWeights(inceptionShapes(1008)));
    const images = hashedImages(1, 32, 32, 1);
    const step = compile((x: tf.Tensor4D) => network.features(x));
    expect(() => step(images)).toThrow(expect.objectContaining({ code: 'ENGINE_COMPILE_READS_VALUES' }) as Error);
    network.dispose();
    images.dispose();
  }, 240_000);
});
