import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { CUNet } from '@missing-u/cunet';
import { UNet2DModel } from '@missing-u/unet-blocks';
import { afterAll, describe, expect, it } from 'vitest';
import { checkModels, sharesImages, withinChain } from '../src/paper/checks.ts';
import { PaperRun, type PaperSettings } from '../src/paper/run.ts';
import { resolveConfig } from '../src/runs/config.ts';
import { runCommand } from './run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'missing-u-checks-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('what is asked of models', () => {
  const defaults = { steps: [5, 20, 50], etaSteps: 50, starts: [50, 150, 400] };

  it('is refused by the name of its option where the chain is too short for it', () => {
    const asking = (key: string, settings: object) => () =>
      withinChain({ ...defaults, ...settings }, new Set([key]), 100);
    expect(asking('starts', { starts: [1, 101] })).toThrow(/`--starts` is 101.*from 1 to 100/);
    expect(asking('steps', { steps: [2000] })).toThrow(/`--steps` is 2000/);
    expect(asking('etaSteps', { etaSteps: 101 })).toThrow(
      expect.objectContaining({ code: 'DIFFUSION_BAD_COUNT' }) as Error,
    );
  });

  it('is what fits where nobody asked', () => {
    expect(withinChain(defaults, new Set(), 1000)).toEqual(defaults);
    expect(withinChain(defaults, new Set(), 200)).toEqual({ ...defaults, starts: [50, 150] });
    expect(withinChain(defaults, new Set(['steps']), 50)).toEqual({ ...defaults, starts: [50] });
    expect(withinChain(defaults, new Set(), 4)).toEqual({ steps: [4], etaSteps: 4, starts: [4] });
  });
});

describe('models that the tables are not about', () => {
  const small = { sampleSize: 16, inChannels: 1, outChannels: 1, normNumGroups: 4, layersPerBlock: 1 };
  const blocks = { downBlockTypes: ['DownBlock2D'], upBlockTypes: ['UpBlock2D'], blockOutChannels: [8] };
  const make = (numClassEmbeds?: number) =>
    new UNet2DModel({ ...small, ...blocks, ...(numClassEmbeds && { numClassEmbeds }) }, { weights: 'none' });
  const unet = { name: 'runs/unet', model: make() };
  const cunet = { name: 'runs/cunet', model: new CUNet({ channels: 8, imageSize: 16, weights: 'none' }) };

  it('are those with classes, and a U-Net that is called a cU-Net', () => {
    expect(() => checkModels(unet, cunet)).not.toThrow();
    const labelled = { name: 'runs/labelled', model: make(11) };
    expect(() => checkModels(labelled, cunet)).toThrow(/`--unet` is 'runs\/labelled', which takes class labels/);
    expect(() => checkModels(unet, labelled)).toThrow(/`--cunet` is 'runs\/labelled', which takes class labels/);
    expect(() => checkModels(cunet, unet)).toThrow(/`--cunet` is 'runs\/unet', a UNet2DModel/);
  });
});

it('images that were trained on are known however their folder is spelled', () => {
  const [train, other] = ['train', 'other'].map((name) => join(folder, name)) as [string, string];
  for (const path of [train, other, join(train, 'class')]) mkdirSync(path, { recursive: true });
  symlinkSync(train, join(folder, 'link'));
  const of = (root: string | null, dataset = 'grey-image-folder') => resolveConfig({ dataset, root });
  const spellings = [train, `${train}/`, `${folder}/other/../train`, join(folder, 'link'), relative('.', train)];
  for (const root of spellings) expect(sharesImages(of(root), of(train)), root).toBe(true);
  expect(sharesImages(of(join(train, 'class')), of(train))).toBe(true);
  expect(sharesImages(of(other), of(train))).toBe(false);
  expect(sharesImages(of(`${train}2`), of(train))).toBe(false);
  expect(sharesImages(of(train, 'mnist'), of(train, 'mnist'))).toBe(false);
});

describe('files of weights', () => {
  const settings = (given: Partial<PaperSettings>) => new PaperRun(given as PaperSettings);

  it('of LPIPS come in twos', async () => {
    for (const given of [{ lpipsTrunk: 'a' }, { lpipsHeads: 'b' }]) {
      await expect(settings(given).lpips()).rejects.toMatchObject({ code: 'DIFFUSION_NO_LPIPS' });
    }
    await expect(settings({}).lpips()).resolves.toBeUndefined();
  });

  it('have to be there before anything begins', () => {
    expect(() => settings({ weights: join(folder, 'none.pth') }).checkWeights()).toThrow(
      /`--weights` is '.*none\.pth', but has to be a file that can be read \(ENOENT/,
    );
  });
});

describe('the command', () => {
  const paper = (...args: string[]) => runCommand('paper', ...args, '--out', join(folder, 'out'), '--engine', 'cpu');

  it('refuses a figure of LPIPS without its weights', async () => {
    const { status, stderr } = await paper('fig11');
    expect([status, stderr]).toEqual([2, expect.stringContaining('DIFFUSION_NO_LPIPS')]);
  });

  it('refuses numbers that are there twice', async () => {
    for (const list of ['--steps 5,5', '--starts 50,5,50', '--etas 0,0']) {
      const { status, stderr } = await paper('table5', ...list.split(' '));
      expect([status, stderr], list).toEqual([2, expect.stringContaining('numbers that differ')]);
    }
  });
});
