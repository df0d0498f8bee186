import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedFile } from '@missing-u/test-utils';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyTransform, celeba, crop, decodeImage, imageFolder, resize } from '../src/index.ts';
import { writeZip } from './zip-writer.ts';

const root = mkdtempSync(join(tmpdir(), 'datasets-celeba-'));
const folder = join(root, 'celeba');
afterAll(() => rmSync(root, { recursive: true }));

const COUNT = 12;
const names = Array.from({ length: COUNT }, (_, i) => `${String(i + 1).padStart(6, '0')}.jpg`);
const part = (i: number) => (i < 7 ? 0 : i < 10 ? 1 : 2);
const attributes = (i: number) => [i % 2 === 0 ? 1 : -1, i % 3 === 0 ? 1 : -1, -1];

/** A tree in CelebA's layout, of the faces of the Olivetti set or, where these are absent, of gradients. */
async function makeTree(): Promise<void> {
  const faces = sharedFile('faces/olivetti_400faces_64x25600.png');
  mkdirSync(join(folder, 'img_align_celeba'), { recursive: true });
  for (const [i, name] of names.entries()) {
    const gradient = Uint8Array.from({ length: 4096 }, (_, k) => (k + 97 * i) % 256);
    const raw = { raw: { width: 64, height: 64, channels: 1 } } as const;
    const face =
      faces === undefined
        ? sharp(gradient, raw)
        : sharp(faces).extract({ left: 0, top: 640 * i, width: 64, height: 64 });
    const jpeg = await face
      .resize(178, 218, { fit: 'fill' })
      .toColourspace('srgb')
      .tint({ r: 255, g: 220, b: 200 })
      .jpeg({ quality: 90 })
      .toBuffer();
    writeFileSync(join(folder, 'img_align_celeba', name), jpeg);
  }
  const write = (file: string, lines: string[]) => writeFileSync(join(folder, file), lines.join('\n') + '\n');
  write(
    'list_eval_partition.txt',
    names.map((name, i) => `${name} ${part(i)}`),
  );
  write(
    'identity_CelebA.txt',
    names.map((name, i) => `${name} ${1000 + i}`),
  );
  write('list_attr_celeba.txt', [
    `${COUNT}`,
    'Bald Smiling Young',
    ...names.map((name, i) => `${name}  ${attributes(i).join(' ')}`),
  ]);
  write('list_bbox_celeba.txt', [
    `${COUNT}`,
    'image_id x_1 y_1 width height',
    ...names.map((name, i) => `${name}    ${i}  ${i + 1} 100 200`),
  ]);
  write('list_landmarks_align_celeba.txt', [
    `${COUNT}`,
    'lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y',
    ...names.map((name, i) => `${name} ${Array.from({ length: 10 }, (_, k) => 10 * i + k).join('  ')}`),
  ]);
}

beforeAll(makeTree);

describe('celeba', () => {
  it('has the parts of list_eval_partition.txt, squeezed to 64x64 by default', async () => {
    const lengths = [];
    for (const split of ['train', 'valid', 'test', 'all'] as const)
      lengths.push((await celeba({ root, split })).length);
    expect(lengths).toEqual([7, 3, 2, 12]);
    const { image, index } = await (await celeba({ root, split: 'valid' })).get(1);
    const jpeg = readFileSync(join(folder, 'img_align_celeba', names[8]!));
    const whole = await decodeImage(jpeg, 'x');
    expect([whole.shape, image.shape, index]).toEqual([[218, 178, 3], [64, 64, 3], 1]);
    expect(image.data).toEqual(applyTransform(resize([64, 64]), whole).data);
  });

  it('claims nothing about pictures that were not compared', async () => {
    expect((await celeba({ root })).info.verified).toBe(false);
    const place = join(root, 'published');
    mkdirSync(join(place, 'img_align_celeba'), { recursive: true });
    // The published file, whose MD5 is compared.
    const lines = Array.from({ length: 202_599 }, (_, i) => {
      const number = String(i + 1).padStart(6, '0');
      return `${number}.jpg ${i < 162_770 ? 0 : i < 182_637 ? 1 : 2}\r\n`;
    });
    writeFileSync(join(place, 'list_eval_partition.txt'), lines.join(''));
    const published = await celeba({ root: place, split: 'test' });
    expect([published.length, published.info.verified]).toEqual([19_962, undefined]);
  });

  it('crops the boxes of the DDIM and score_sde codes', async () => {
    const whole = (await (await celeba({ root, crop: 'none' })).get(0)).image;
    const boxes = {
      ddim: { left: 25, top: 57, width: 128, height: 128 },
      score_sde: { left: 19, top: 39, width: 140, height: 140 },
      center: { left: 0, top: 20, width: 178, height: 178 },
    };
    for (const [name, box] of Object.entries(boxes)) {
      const { image } = await (await celeba({ root, crop: name as keyof typeof boxes, size: 48 })).get(0);
      expect(image.data).toEqual(applyTransform(resize([48, 48]), applyTransform(crop(box), whole)).data);
    }
  });

  it('gives annotations as labels, side by side, attributes as 0 and 1', async () => {
    const all = await celeba({ root, split: 'all', targetType: ['attr', 'identity', 'bbox', 'landmarks'] });
    expect(all.labelNames?.slice(0, 9)).toEqual([
      'Bald',
      'Smiling',
      'Young',
      'identity',
      'x_1',
      'y_1',
      'width',
      'height',
      'lefteye_x',
    ]);
    const { labels } = (await all.batches({ batchSize: COUNT, as: 'array' }).next()).value!;
    for (let i = 0; i < COUNT; i++) {
      const expected = [...attributes(i).map((x) => (x + 1) / 2), 1000 + i, i, i + 1, 100, 200];
      expect([...labels!.subarray(18 * i, 18 * i + 8)]).toEqual(expected);
      expect(labels![18 * i + 17]).toBe(10 * i + 9);
    }
    const identity = await celeba({ root, split: 'test', targetType: 'identity' });
    expect([identity.labelOf(0), (await identity.get(1)).label, identity.labelNames]).toEqual([1010, 1011, undefined]);
  });

  it.each([false, true])(
    'reads the zip archive instead of the folder (deflated: %s), the same with workers',
    async (deflate) => {
      const packed = join(root, `zip-${deflate}`);
      cpSync(folder, packed, { recursive: true });
      const entries = names.map(
        (name) => [`img_align_celeba/${name}`, readFileSync(join(folder, 'img_align_celeba', name))] as const,
      );
      writeFileSync(
        join(packed, 'img_align_celeba.zip'),
        writeZip([['img_align_celeba/', Buffer.alloc(0)], ...entries], { deflate }),
      );
      rmSync(join(packed, 'img_align_celeba'), { recursive: true });
      const [one, other] = [await celeba({ root }), await celeba({ root: packed })];
      const options = { batchSize: 5, as: 'array', dtype: 'uint8' } as const;
      for (const workers of [0, 2]) {
        const a = one.batches({ ...options, workers });
        for await (const { images } of other.batches({ ...options, workers })) {
          expect(images).toEqual((await a.next()).value!.images);
        }
        await a.return();
      }
      await other.close();
    },
  );

  it('says which file is missing or wrong, and where', async () => {
    const broken = (name: string, spoil: (folder: string) => void) => {
      const place = join(root, `broken-${name}`);
      cpSync(folder, place, { recursive: true });
      spoil(place);
      return expect(celeba({ root: place, split: 'all', targetType: ['attr', 'identity'] }), name).rejects;
    };
    const edit = (file: string, change: (text: string) => string) => (place: string) =>
      writeFileSync(join(place, file), change(readFileSync(join(place, file), 'utf8')));
    await expect(celeba({ root: tmpdir() })).rejects.toMatchObject({ code: 'DATASETS_MISSING_FILE' });
    await broken('no-attr', (place) => rmSync(join(place, 'list_attr_celeba.txt'))).toThrow('list_attr_celeba.txt');
    await broken('no-images', (place) => rmSync(join(place, 'img_align_celeba'), { recursive: true })).toMatchObject({
      code: 'DATASETS_MISSING_FILE',
    });
    const annotations = { code: 'DATASETS_BAD_ANNOTATIONS' };
    await broken(
      'short-row',
      edit('list_attr_celeba.txt', (text) => text.replace('000003.jpg  1 -1', '000003.jpg  1')),
    ).toMatchObject(annotations);
    await broken(
      'column',
      edit('list_attr_celeba.txt', (text) => text.replace('Bald ', '')),
    ).toThrow('names 2 columns');
    await broken(
      'count',
      edit('list_attr_celeba.txt', (text) => text.replace('12\n', '13\n')),
    ).toMatchObject(annotations);
    await broken(
      'order',
      edit('identity_CelebA.txt', (text) => text.replace('000002', '000009')),
    ).toThrow('row 2');
    await broken(
      'html',
      edit('identity_CelebA.txt', () => '<html>quota exceeded</html>'),
    ).toThrow('it is a web page');
    await broken(
      'html-with-header',
      edit('list_attr_celeba.txt', () => '<!DOCTYPE html>\n<html>\n<head>Quota exceeded</head></html>'),
    ).toThrow('it is a web page');
    await broken('bad-zip', (place) => {
      renameSync(join(place, 'img_align_celeba'), join(place, 'elsewhere'));
      writeFileSync(join(place, 'img_align_celeba.zip'), '<!DOCTYPE html><html>Google Drive - Quota exceeded</html>');
    }).toThrow('it is a web page');
    await broken('missing-entry', (place) => {
      rmSync(join(place, 'img_align_celeba'), { recursive: true });
      writeFileSync(join(place, 'img_align_celeba.zip'), writeZip([['img_align_celeba/000001.jpg', Buffer.from('x')]]));
    }).toThrow('has no 000002.jpg');
    await broken('climbing-entry', (place) => {
      rmSync(join(place, 'img_align_celeba'), { recursive: true });
      writeFileSync(join(place, 'img_align_celeba.zip'), writeZip([['../000001.jpg', Buffer.from('x')]]));
    }).toMatchObject({ code: 'DATASETS_UNSAFE_ARCHIVE' });
    await expect(celeba({ root, split: 'val' as 'valid' })).rejects.toThrow("Did you mean 'valid'?");
    await expect(celeba({ root, targetType: 'age' as 'attr' })).rejects.toMatchObject({ code: 'DATASETS_BAD_OPTION' });
    await expect(celeba({ root, crop: 'ddmi' as 'ddim' })).rejects.toThrow("Did you mean 'ddim'?");
    await expect(celeba({ root, crop: 'none', size: 64 })).rejects.toMatchObject({ code: 'DATASETS_BAD_OPTION' });
  });
});

describe('a corrupt picture', () => {
  it.each([0, 2])('is named, or skipped on request, with %i workers', async (workers) => {
    const place = join(root, `corrupt-${workers}`);
    cpSync(join(folder, 'img_align_celeba'), place, { recursive: true });
    const file = join(place, '000006.jpg');
    writeFileSync(file, readFileSync(file).subarray(0, 1500));
    writeFileSync(join(place, '000009.jpg'), '<!doctype html>nothing to see');
    const dataset = await imageFolder({ root: place, size: 16 });
    const run = async (corrupt: 'throw' | 'skip') => {
      const out = { indices: [] as number[], skipped: [] as string[] };
      for await (const batch of dataset.batches({ batchSize: 4, as: 'array', workers, corrupt })) {
        out.indices.push(...batch.indices);
        out.skipped.push(...(batch.skipped ?? []).map(({ index, name }) => `${index} ${name.slice(-10)}`));
      }
      return out;
    };
    await expect(run('throw')).rejects.toMatchObject({
      code: 'DATASETS_CORRUPT_IMAGE',
      message: expect.stringContaining('000006.jpg') as string,
    });
    expect(await run('skip')).toEqual({
      indices: [0, 1, 2, 3, 4, 6, 7, 9, 10, 11],
      skipped: ['5 000006.jpg', '8 000009.jpg'],
    });
  });
});

describe('imageFolder', () => {
  it('has one class per folder in the order of names, or none', async () => {
    const place = join(root, 'classes');
    for (const [i, name] of names.slice(0, 6).entries()) {
      const inside = join(place, ['zebra', 'ant/deep', 'Bee'][i % 3]!);
      mkdirSync(inside, { recursive: true });
      cpSync(join(folder, 'img_align_celeba', name), join(inside, name));
    }
    writeFileSync(join(place, 'zebra', 'notes.txt'), 'not a picture');
    const dataset = await imageFolder({ root: place, size: [10, 8], channels: 1 });
    expect(dataset.info.classes).toEqual(['Bee', 'ant', 'zebra']);
    expect([0, 1, 2, 3, 4, 5].map((i) => dataset.labelOf(i))).toEqual([0, 0, 1, 1, 2, 2]);
    expect((await dataset.get(0)).image.shape).toEqual([10, 8, 1]);
    expect((await imageFolder({ root: join(place, 'zebra') })).labelOf(0)).toBeUndefined();
  });

  it('refuses folders that are empty, absent or closed', async () => {
    const empty = join(root, 'empty');
    mkdirSync(join(empty, 'cats'), { recursive: true });
    await expect(imageFolder({ root: empty })).rejects.toMatchObject({ code: 'DATASETS_EMPTY_FOLDER' });
    rmSync(join(empty, 'cats'), { recursive: true });
    await expect(imageFolder({ root: empty })).rejects.toMatchObject({ code: 'DATASETS_EMPTY_FOLDER' });
    const dangling = join(root, 'dangling');
    mkdirSync(dangling);
    symlinkSync(join(dangling, 'gone.png'), join(dangling, 'link.png'));
    await expect(imageFolder({ root: dangling })).rejects.toThrow('link.png is a link to something that is not there');
    await expect(imageFolder({ root: join(root, 'nowhere') })).rejects.toMatchObject({ code: 'DATASETS_MISSING_FILE' });
    await expect(imageFolder({ root: join(folder, 'identity_CelebA.txt') })).rejects.toMatchObject({
      name: 'DatasetError',
    });
  });

  it('names pictures of different sizes that were to be one batch', async () => {
    const place = join(root, 'sizes');
    mkdirSync(place);
    const picture = (width: number) =>
      sharp({ create: { width, height: 8, channels: 4, background: '#ff800040' } })
        .png()
        .toBuffer();
    writeFileSync(join(place, 'a.png'), await picture(8));
    writeFileSync(join(place, 'b.png'), await picture(9));
    const dataset = await imageFolder({ root: place });
    // Opacity is left out, as by Pillow's convert('RGB').
    expect([...(await dataset.get(0)).image.data.subarray(0, 3)]).toEqual([255, 128, 0]);
    await expect(dataset.batches({ batchSize: 2, as: 'array' }).next()).rejects.toMatchObject({
      code: 'DATASETS_SHAPES_DIFFER',
      message: expect.stringContaining('b.png') as string,
    });
  });
});

it.skipIf(process.getuid?.() === 0)('an unreadable folder is an error that says so (not as root)', async () => {
  const closed = join(root, 'closed');
  mkdirSync(closed, { mode: 0o000 });
  await expect(imageFolder({ root: closed })).rejects.toMatchObject({ code: 'DATASETS_UNREADABLE' });
  execFileSync('chmod', ['700', closed]);
});
