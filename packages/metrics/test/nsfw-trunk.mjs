/**
 * The convolutions of the Inception trunk in the npm package nsfwjs: real weights of the general layers, bytes with a minimum
 * and a scale each. Keras' number k is the k-th BasicConv2d of torchvision's inception_v3 without its auxiliary classifier.
 *
 *   node test/nsfw-trunk.mjs trunk.safetensors    writes them for tools/reference/metrics/nsfw_trunk.py
 */
import { saveSafetensors, tfToTorch } from '@missing-u/weights';

const { createRequire } = process.getBuiltinModule('node:module');
const { dirname, join } = process.getBuiltinModule('node:path');

/** Arrays of convolution k (from 1): weight in PyTorch's layout, and the batch norm, which has no gain. */
export function nsfwTrunk() {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve('nsfwjs')), '../models/inception_v3');
  const { paths, weights } = require(join(folder, 'model.min.js')).weightsManifest[0];
  const bytes = Buffer.concat(paths.map((path) => Buffer.from(require(join(folder, `${path}.min.js`)), 'base64')));
  const arrays = {};
  let at = 0;
  for (const { name, shape, quantization } of weights) {
    const size = shape.reduce((product, n) => product * n, 1);
    const data = Float32Array.from(
      bytes.subarray(at, at + size),
      (byte) => byte * quantization.scale + quantization.min,
    );
    arrays[name] = { dtype: 'float32', shape, data };
    at += size;
  }
  return Array.from({ length: 94 }, (_, i) => {
    const norm = `batch_normalization_${i + 1}`;
    return {
      'conv.weight': tfToTorch('conv2d', arrays[`conv2d_${i + 1}/kernel`]),
      'bn.bias': arrays[`${norm}/beta`],
      'bn.running_mean': arrays[`${norm}/moving_mean`],
      'bn.running_var': arrays[`${norm}/moving_variance`],
    };
  });
}

if (process.argv[1]?.endsWith('nsfw-trunk.mjs')) {
  const dict = nsfwTrunk().flatMap((parts, i) =>
    Object.entries(parts).map(([name, tensor]) => [`${i}.${name}`, tensor]),
  );
  await saveSafetensors(Object.fromEntries(dict), process.argv[2]);
}
