import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { DDIMScheduler } from '@missing-u/schedulers';
import sharp from 'sharp';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { modelSampling } from '../src/cli/model-sampling.ts';
import { DiffusionPipeline } from '../src/index.ts';
import { smallNetwork } from './small-network.ts';

let folder: string;
beforeAll(() => useEngine('wasm', { threads: 1 }).then(() => undefined));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'missing-u-evaluate-'));
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const at = (path: string) => join(folder, path);

/** A folder of grey pictures of one shade. */
async function shades(path: string, shade: number, count: number): Promise<string> {
  mkdirSync(at(path));
  for (let i = 0; i < count; i++) {
    const raw = { width: 16, height: 16, channels: 1 } as const;
    await sharp(new Uint8Array(256).fill(shade), { raw })
      .png()
      .toFile(join(at(path), `${i}.png`));
  }
  return at(path);
}

/** A trained model as it is published, with the settings of its training. */
async function save(training?: Record<string, unknown>): Promise<string> {
  const unet = new CUNet({ channels: 8, groups: 4, imageSize: 16, inChannels: 1, seed: 1 });
  await new DiffusionPipeline({ unet, scheduler: new DDIMScheduler() }).savePretrained(at('model'));
  unet.dispose();
  if (training !== undefined) writeFileSync(at('model/training.json'), JSON.stringify(training));
  return at('model');
}

const trainedOn = (root: string, more = {}) => ({ dataset: 'grey-image-folder', size: 16, channels: 8, root, ...more });
const asked = () => ({
  ...{ scheduler: 'ddim', steps: 1, count: 2, noiseSeed: 0, batchSize: 2, realCount: 2 },
  ...{ model: at('model'), samples: at('evaluations/samples') },
});
const pictures = (path: string) => readdirSync(path).filter((name) => name.endsWith('.png'));

async function shadeOf(path: string): Promise<number> {
  return (await sharp(join(path, '00000000.png')).raw().toBuffer())[0]!;
}

describe('the pictures of evaluate --model', () => {
  it('are those of the data set that is named now, and not of one before', async () => {
    await save(trainedOn(await shades('dark', 20, 2)));
    const before = await modelSampling.folders(asked());
    expect(await shadeOf(before.real!)).toBe(20);
    const bright = await shades('bright', 200, 2);
    const others = await modelSampling.folders({ ...asked(), root: bright });
    expect(await shadeOf(others.real!)).toBe(200);
    expect(others).toMatchObject({ fake: before.fake, features: 'inception' });
    expect(await modelSampling.folders(asked())).toEqual(before);
    await save(trainedOn(at('dark'), { seed: 7 }));
    expect((await modelSampling.folders(asked())).real).not.toBe(before.real);
  });

  it.each([
    ['a model that does not tell what it was trained on', undefined, {}, 'DIFFUSION_NO_DATASET'],
    ['a data set that is not there', { dataset: 'cifar10', size: 32 }, { root: '/no/such' }, /DATASETS_|DIFFUSION_/],
  ])('are not sampled for %s', async (_, training, more, code) => {
    await save(training);
    const refused = modelSampling.folders({ ...asked(), ...more });
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(code) });
    expect(() => readdirSync(asked().samples)).toThrow(/ENOENT/);
  });

  it('are as many as are asked for, of a folder that holds more', async () => {
    await save();
    const real = at('anything');
    const { fake: four } = await modelSampling.folders({ ...asked(), real, count: 4 });
    expect(pictures(four)).toHaveLength(4);
    const { fake: two } = await modelSampling.folders({ ...asked(), real });
    expect(pictures(two)).toEqual(['00000000.png', '00000001.png']);
    for (const name of pictures(two)) expect(readFileSync(join(two, name))).toEqual(readFileSync(join(four, name)));
    expect(pictures(four)).toHaveLength(4);
    // Another process, which was killed, has left its own.
    mkdirSync(join(four, '.first-2.999999999.tmp'));
    writeFileSync(join(four, '.first-2.999999999.tmp', '00000000.png'), '');
    const { fake: again } = await modelSampling.folders({ ...asked(), real, count: 4 });
    expect(again).toBe(four);
    expect(readdirSync(four)).not.toContain('.first-2.999999999.tmp');
  });

  it('are of any class of a conditional network, or of one', async () => {
    const unet = smallNetwork(8, 4);
    await new DiffusionPipeline({ unet, scheduler: new DDIMScheduler() }).savePretrained(at('model'));
    unet.dispose();
    vi.spyOn(process, 'cwd').mockReturnValue(folder);
    const { samples: _, ...any } = { ...asked(), real: at('anything') };
    const folders = [any, { ...any, label: 1 }, { ...any, label: 1, guidance: 3 }];
    const fakes = await Promise.all(folders.map(async (options) => (await modelSampling.folders(options)).fake));
    const first = fakes.map((fake) => readFileSync(join(fake, '00000000.png')).toString('hex'));
    expect(new Set(first).size).toBe(3);
    await expect(modelSampling.folders({ ...any, label: 7 })).rejects.toMatchObject({ code: 'DIFFUSION_BAD_LABELS' });
  });

  it('are compared with the folder that is named, of any model', async () => {
    await save();
    const { real, fake, features } = await modelSampling.folders({ ...asked(), real: at('anything') });
    expect([real, features]).toEqual([at('anything'), undefined]);
    expect(pictures(fake)).toHaveLength(2);
  });
});
