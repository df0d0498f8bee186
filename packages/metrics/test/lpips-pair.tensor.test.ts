import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { sharedFile } from '@missing-u/test-utils';
import { LPIPS } from '../src/index.ts';

const trunk = sharedFile('squeezenet/squeezenet1_1-fp16.safetensors');
const heads = sharedFile('lpips/v0.1/squeeze.pth');

it.skipIf(!trunk || !heads)(
  "has the published number of the metric's example pair (needs shared/data/lpips, squeezenet)",
  async () => {
    const lpips = await LPIPS.load({ net: 'squeeze', trunk: trunk!, heads: heads! });
    const [a, b] = await Promise.all(['ex_ref', 'ex_p0'].map((name) => readPicture(sharedFile(`lpips/${name}.png`)!)));
    expect(lpips.distance(a!, b!)).toBeAllClose([0.71121], { rtol: 0, atol: 1e-4 });
    const layers = [0.0098886, 0.0069041, 0.1288036, 0.2610641, 0.1507241, 0.0881567, 0.0656699];
    expect(lpips.layers(a!, b!)).toBeAllClose(layers, { rtol: 0, atol: 1e-5 });
    expect(lpips.distance(a!, a!)).toBeAllClose([0], { rtol: 0, atol: 0 });
    lpips.dispose();
  },
);

async function readPicture(path: string): Promise<tf.Tensor4D> {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return tf.tensor4d(
    Float32Array.from(data, (value) => value / 127.5 - 1),
    [1, info.height, info.width, 3],
  );
}
