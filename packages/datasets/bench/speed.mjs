/**
 * How fast images come out of each kind of data set, against torchvision's DataLoader and Python's lmdb where there is a
 * counterpart. Needs a build, sharp, and for the ratios the reference environment (tools/reference):
 *
 *     pnpm build && node bench/speed.mjs [python]
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { imageFolder, lsun, mnist, openPack, pack, shapes } from '../dist/index.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const python = process.argv[2] ?? here('../../../tools/reference/.venv/bin/python');
const fixture = here('../../../../shared/data/lsun-format-fixture/faces_train_lmdb');
const folder = mkdtempSync(join(tmpdir(), 'datasets-bench-'));

/** Images per second, from the first batch on; the best of three. */
async function rate(dataset, options) {
  let best = 0;
  for (let run = 0; run < 3; run++) {
    let start = 0;
    let count = 0;
    for await (const { indices } of dataset.batches({ as: 'array', ...options })) {
      if (start === 0) start = performance.now();
      else count += indices.length;
    }
    best = Math.max(best, (1000 * count) / (performance.now() - start));
  }
  return best;
}

const show = (what, images, reference) =>
  console.log(
    `${what.padEnd(52)} ${Math.round(images).toLocaleString('en').padStart(12)} images/s` +
      (reference === undefined ? '' : `   ${(images / reference).toFixed(2)} x the reference`),
  );

try {
  const jpegs = join(folder, 'jpegs');
  mkdirSync(jpegs);
  const faces = here('../../../../shared/data/faces/olivetti_400faces_64x25600.png');
  for (let i = 0; i < 400; i++) {
    const face = sharp(faces).extract({ left: 0, top: 64 * i, width: 64, height: 64 });
    const jpeg = await face
      .resize(178, 218, { fit: 'fill' })
      .toColourspace('srgb')
      .tint('#ffdcc8')
      .jpeg({ quality: 92 })
      .toBuffer();
    writeFileSync(join(jpegs, `${String(i + 1).padStart(6, '0')}.jpg`), jpeg);
  }
  const reference = JSON.parse(
    execFileSync(python, [here('../../../tools/reference/datasets/speed.py'), jpegs, fixture], { encoding: 'utf8' }),
  );

  const train = await mnist({ size: 32 });
  const order = { batchSize: 128, shuffle: { seed: 0 } };
  show('MNIST 32x32 from memory, float32, shuffled', await rate(train, { ...order, epochs: 10 }));
  show('MNIST 32x32 from memory, uint8, shuffled', await rate(train, { ...order, epochs: 10, dtype: 'uint8' }));

  const pictures = (await imageFolder({ root: jpegs, size: 64 })).repeat(25);
  show(
    'JPEG 178x218 to 64x64, float32, 2 workers',
    await rate(pictures, { batchSize: 128, workers: 2 }),
    reference.loader,
  );

  const database = (await lsun({ root: fixture })).repeat(20);
  show(
    'LMDB random reads, decoded, this thread',
    await rate(database, { batchSize: 100, shuffle: { seed: 0 }, dtype: 'uint8' }),
    reference.lmdb,
  );

  await pack(shapes({ length: 20_000, size: 64 }), join(folder, 'shapes.pack'));
  const packed = await openPack(join(folder, 'shapes.pack'));
  show('pack 64x64x3, uint8, in order', await rate(packed, { batchSize: 128, epochs: 3, dtype: 'uint8' }));
  show('pack 64x64x3, uint8, shuffled', await rate(packed, { ...order, epochs: 3, dtype: 'uint8' }));
  show('pack 64x64x3, float32, shuffled', await rate(packed, { ...order, epochs: 3 }));
} finally {
  rmSync(folder, { recursive: true });
}
