import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { torchGenerator } from '@missing-u/random';
import { DDPMScheduler, DPMSolverMultistepScheduler } from '@missing-u/schedulers';
import { UNet2DModel } from '@missing-u/unet-blocks';
import { encodeSafetensors, loadSafetensors } from '@missing-u/weights';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DiffusionPipeline } from '../src/index.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const python = here('../../../tools/reference/.venv/bin/python');
const script = here('../../../tools/reference/diffusion/pipelines.py');

// Pipelines that Python's diffusers saved, and the pictures it made with them: tools/reference/diffusion/pipelines.py write.
const golden = JSON.parse(readFileSync(here('fixtures/pipelines/images.json'), 'utf8')) as Record<
  'ddpm' | 'ddim',
  { seeds: number[]; options: { num_inference_steps: number; eta?: number }; images: number[] }
>;

let folder: string;
beforeAll(() => useEngine('wasm').then(() => undefined));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'missing-u-pretrained-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const tinyUNet = () =>
  new UNet2DModel({
    sampleSize: 8,
    inChannels: 1,
    outChannels: 1,
    blockOutChannels: [4, 8],
    layersPerBlock: 1,
    normNumGroups: 4,
    attentionHeadDim: 4,
    downBlockTypes: ['DownBlock2D', 'AttnDownBlock2D'],
    upBlockTypes: ['AttnUpBlock2D', 'UpBlock2D'],
  });

async function picture(pipeline: DiffusionPipeline, size: number, seed: number, steps: number): Promise<Float32Array> {
  const sampling = { imageShape: [size, size, 1] as const, numInferenceSteps: steps };
  const images = await pipeline.sample({ ...sampling, generator: [torchGenerator(seed)] });
  const values = (await images.data()) as Float32Array;
  images.dispose();
  return values;
}

describe('a pipeline saved by Python', () => {
  it.each(['ddpm', 'ddim'] as const)(
    'gives the very pictures of Python for the same torch seeds (%s)',
    async (name) => {
      const { seeds, options, images } = golden[name];
      const pipeline = await DiffusionPipeline.fromPretrained(here(`fixtures/pipelines/${name}`));
      const result = await pipeline.sample({
        batchSize: seeds.length,
        imageShape: [8, 8, 3],
        numInferenceSteps: options.num_inference_steps,
        ...(options.eta === undefined ? {} : { eta: options.eta }),
        generator: seeds.map((seed) => torchGenerator(seed)),
      });
      expect(result).toBeAllClose(images, { rtol: 0, atol: 1e-3 });
      result.dispose();
      pipeline.unet.dispose();
    },
  );
});

describe('savePretrained and fromPretrained', () => {
  it.each([
    ['UNet2DModel', () => tinyUNet(), 8],
    ['CUNet', () => new CUNet({ inChannels: 1, channels: 8, imageSize: 16, seed: 3 }), 16],
  ])('bring back %s with the same pictures', async (name, make, size) => {
    const unet = make();
    const pipeline = new DiffusionPipeline({
      unet,
      scheduler: new DDPMScheduler({ betaSchedule: 'squaredcos_cap_v2' }),
    });
    await pipeline.savePretrained(folder);
    const index = JSON.parse(readFileSync(join(folder, 'model_index.json'), 'utf8')) as { unet: string[] };
    expect(index.unet[1]).toBe(name);
    const loaded = await DiffusionPipeline.fromPretrained(folder);
    expect(await picture(loaded, size, 1, 3)).toBeAllClose(await picture(pipeline, size, 1, 3), { atol: 1e-6 });
    unet.dispose();
    loaded.unet.dispose();
  });

  it('exchange -Infinity, which Python writes bare and JSON does not know', async () => {
    const unet = tinyUNet();
    await new DiffusionPipeline({ unet, scheduler: new DPMSolverMultistepScheduler() }).savePretrained(folder);
    const text = readFileSync(join(folder, 'scheduler/scheduler_config.json'), 'utf8');
    expect(text).toContain('"lambda_min_clipped": -Infinity,');
    const loaded = await DiffusionPipeline.fromPretrained(folder);
    expect((loaded.scheduler as DPMSolverMultistepScheduler).config['lambda_min_clipped']).toBe(-Infinity);
    unet.dispose();
    loaded.unet.dispose();
  });

  it('stores half precision where asked', async () => {
    const unet = tinyUNet();
    await new DiffusionPipeline({ unet, scheduler: new DDPMScheduler() }).savePretrained(folder, { dtype: 'float16' });
    const loaded = await DiffusionPipeline.fromPretrained(folder);
    const [name, tensor] = Object.entries(unet.stateDict())[0]!;
    const half = loaded.unet.stateDict()[name]!.data;
    expect(half).toBeAllClose(tensor.data as Float32Array, { rtol: 1e-3, atol: 1e-6 });
    expect(half).not.toEqual(tensor.data);
    unet.dispose();
    loaded.unet.dispose();
  });

  it('take one of several sets of weights', async () => {
    const unet = tinyUNet();
    await new DiffusionPipeline({ unet, scheduler: new DDPMScheduler() }).savePretrained(folder, { dtype: 'float16' });
    const whole = join(folder, 'unet/diffusion_pytorch_model.safetensors');
    renameSync(whole, whole.replace('.safetensors', '.fp16.safetensors'));
    const loaded = await DiffusionPipeline.fromPretrained(folder, { variant: 'fp16' });
    expect(Object.keys(loaded.unet.stateDict())).toEqual(Object.keys(unet.stateDict()));
    const load = (options: object) => DiffusionPipeline.fromPretrained(folder, options);
    await expect(load({ variant: 'bf16' })).rejects.toThrow('diffusion_pytorch_model.bf16.safetensors');
    await expect(load({})).rejects.toMatchObject({ code: 'DIFFUSION_NOT_A_PIPELINE' });
    await expect(load({ variant: '../x' })).rejects.toMatchObject({ code: 'DIFFUSION_BAD_CONFIG' });
    await expect(load({ revision: 'main' })).rejects.toMatchObject({ code: 'DIFFUSION_UNKNOWN_OPTION' });
    unet.dispose();
    loaded.unet.dispose();
  });

  it('read weights in several files, as diffusers writes large ones', async () => {
    const unet = tinyUNet();
    const pipeline = new DiffusionPipeline({ unet, scheduler: new DDPMScheduler() });
    await pipeline.savePretrained(folder);
    const whole = join(folder, 'unet/diffusion_pytorch_model.safetensors');
    const entries = Object.entries(await loadSafetensors(whole));
    const shard = (part: number) => `diffusion_pytorch_model-0000${part}-of-00002.safetensors`;
    const parts = [entries.slice(0, 9), entries.slice(9)];
    for (const [i, part] of parts.entries()) {
      writeFileSync(join(folder, 'unet', shard(i + 1)), encodeSafetensors(Object.fromEntries(part)));
    }
    const map = parts.flatMap((part, i) => part.map(([name]) => [name, shard(i + 1)] as const));
    const index = { metadata: { total_size: 4 }, weight_map: Object.fromEntries(map) };
    writeFileSync(`${whole}.index.json`, JSON.stringify(index));
    // A whole file of an earlier save may be left beside them, and the index when a whole file is saved afterwards.
    const zeros = entries.map(([name, tensor]) => [name, { ...tensor, data: new Float32Array(tensor.data.length) }]);
    writeFileSync(whole, encodeSafetensors(Object.fromEntries(zeros)));
    const loaded = await DiffusionPipeline.fromPretrained(folder);
    expect(loaded.unet.stateDict()).toEqual(unet.stateDict());
    loaded.unet.dispose();
    await pipeline.savePretrained(folder);
    expect(existsSync(`${whole}.index.json`)).toBe(false);
    writeFileSync(`${whole}.index.json`, JSON.stringify(index));
    // A part that is missing is named.
    rmSync(join(folder, 'unet', shard(2)));
    await expect(DiffusionPipeline.fromPretrained(folder)).rejects.toThrow(shard(2));
    unet.dispose();
  });

  it.skipIf(!existsSync(python))(
    "are understood by Python's diffusers, which gives the same picture (needs tools/reference/setup.sh)",
    async () => {
      const unet = tinyUNet();
      const pipeline = new DiffusionPipeline({ unet, scheduler: new DDPMScheduler() });
      await pipeline.savePretrained(folder);
      const printed = execFileSync(python, [script, 'run', folder, '5', '4'], { encoding: 'utf8' });
      expect(await picture(pipeline, 8, 5, 4)).toBeAllClose(JSON.parse(printed) as number[], { rtol: 0, atol: 1e-3 });
      unet.dispose();
    },
    120_000,
  );

  it('refuse folders that are no pipeline, networks that are not known, and weights of another network', async () => {
    const load = () => DiffusionPipeline.fromPretrained(folder);
    await expect(load()).rejects.toMatchObject({ code: 'DIFFUSION_NOT_A_PIPELINE' });
    writeFileSync(join(folder, 'file'), '');
    const ofFile = DiffusionPipeline.fromPretrained(join(folder, 'file'));
    await expect(ofFile).rejects.toMatchObject({ code: 'DIFFUSION_NOT_A_PIPELINE' });
    writeFileSync(
      join(folder, 'model_index.json'),
      '{"_class_name": "StableDiffusionPipeline", "vae": ["diffusers", "X"]}',
    );
    await expect(load()).rejects.toMatchObject({ code: 'DIFFUSION_NOT_A_PIPELINE' });
    const unet = tinyUNet();
    const pipeline = new DiffusionPipeline({ unet, scheduler: new DDPMScheduler() });
    await pipeline.savePretrained(folder);
    const index = readFileSync(join(folder, 'model_index.json'), 'utf8');
    writeFileSync(join(folder, 'model_index.json'), index.replace('UNet2DModel', 'UNet3DModel'));
    const unknown = {
      code: 'DIFFUSION_UNKNOWN_NETWORK',
      message: expect.stringContaining("Did you mean 'UNet2DModel'"),
    };
    await expect(load()).rejects.toMatchObject(unknown);
    writeFileSync(join(folder, 'model_index.json'), index);
    const config = join(folder, 'unet/config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace('"layers_per_block": 1', '"layers_per_block": 2'));
    await expect(load()).rejects.toMatchObject({ code: 'UNET_STATE_DICT' });
    unet.dispose();
  });
});
