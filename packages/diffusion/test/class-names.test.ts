import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@missing-u/engine';
import { DDPMScheduler } from '@missing-u/schedulers';
import { classNameOf, UNet2DModel } from '@missing-u/unet-blocks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DDPMPipeline } from '../src/index.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'missing-u-names-'));
  await useEngine('cpu');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const shape = {
  sampleSize: 8,
  inChannels: 1,
  outChannels: 1,
  blockOutChannels: [4],
  downBlockTypes: ['DownBlock2D'],
  upBlockTypes: ['UpBlock2D'],
  normNumGroups: 2,
  attentionHeadDim: null,
  layersPerBlock: 1,
};

it('saves a network whose class was renamed by a bundler under its own name', async () => {
  const Renamed = { a: class a extends UNet2DModel {} }.a;
  expect(Renamed.name).toBe('a');
  const unet = new Renamed(shape);
  expect(classNameOf(unet)).toBe('UNet2DModel');
  await new DDPMPipeline({ unet, scheduler: new DDPMScheduler() }).savePretrained(folder);
  unet.dispose();
  expect(JSON.parse(readFileSync(join(folder, 'model_index.json'), 'utf8'))).toMatchObject({
    unet: ['diffusers', 'UNet2DModel'],
  });
  const again = await DDPMPipeline.fromPretrained(folder);
  expect(again.unet).toBeInstanceOf(UNet2DModel);
  (again.unet as UNet2DModel).dispose();
});
