/**
 * Cuts the 400 faces, stacked downwards in one picture of 64 x 25600, into the folders that the faces' models are trained on and
 * measured with: `train` with persons 1 to 36 and `test` with 37 to 40, ten pictures each.
 *
 *   node training/cut-faces.mjs --strip faces.png --out faces
 *
 * The strip, from scikit-learn:
 *
 *   from PIL import Image; from sklearn.datasets import fetch_olivetti_faces
 *   Image.fromarray((fetch_olivetti_faces().data.reshape(-1, 64) * 255).round().astype('uint8')).save('faces.png')
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';

const SIZE = 64;
const EACH = 10;
const TRAINED = 36;

const { values } = parseArgs({ options: { strip: { type: 'string' }, out: { type: 'string' } } });
const { height } = await sharp(values.strip).metadata();
for (const part of ['train', 'test']) mkdirSync(join(values.out, part), { recursive: true });
for (let i = 0; i < height / SIZE; i++) {
  const person = Math.floor(i / EACH) + 1;
  const name = `person-${String(person).padStart(2, '0')}-${String((i % EACH) + 1).padStart(2, '0')}.png`;
  await sharp(values.strip)
    .extract({ left: 0, top: i * SIZE, width: SIZE, height: SIZE })
    .toColourspace('b-w')
    .png()
    .toFile(join(values.out, person <= TRAINED ? 'train' : 'test', name));
}
