import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, existsSync, appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@missing-u/engine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { imageGrid } from '../src/images/grid.ts';
import { writePng } from '../src/images/png.ts';
import { lossPlot } from '../src/plots/loss-plot.ts';
import { listCheckpoints, readCheckpoint, writeCheckpoint, type Checkpoint } from '../src/runs/checkpoint.ts';
import { onNamedData } from '../src/runs/common-config.ts';
import { defaultConfig, resolveConfig } from '../src/runs/config.ts';
import { makeFolder } from '../src/runs/files.ts';
import { lockRun } from '../src/runs/lock.ts';
import { checkNames, datasetChannels, makeModel, openDataset } from '../src/runs/registry.ts';
import { MetricsLog } from '../src/runs/metrics-log.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'missing-u-runs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const checkpointAt = (step: number): Checkpoint => ({
  step,
  weights: {
    'z.weight': { dtype: 'float32', shape: [2, 1], data: Float32Array.of(1.5, -2) },
    'a.bias': { dtype: 'float32', shape: [1], data: Float32Array.of(step) },
  },
  optimizer: { count: step, first: Float32Array.of(1, 2, 3), second: Float32Array.of(4, 5, 6) },
  ema: [
    { updates: step, average: Float32Array.of(0.1, 0.2, 0.3) },
    { updates: step, average: Float32Array.of(0.4, 0.5, 0.6) },
  ],
  data: { epoch: 1, position: step },
});

describe('checkpoints', () => {
  it('come back as they were, in definition order, and only the newest are kept', async () => {
    const paths = [1, 2, 3].map((step) => writeCheckpoint(folder, checkpointAt(step), 2));
    expect(listCheckpoints(folder)).toEqual(paths.slice(1));
    expect(await readCheckpoint(paths[2]!)).toEqual(checkpointAt(3));
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it.each(['weights.safetensors', 'ema.safetensors', 'optimizer.safetensors'])(
    'with one flipped byte in %s are refused, and the one before is named',
    async (file) => {
      const [older, newer] = [1, 2].map((step) => writeCheckpoint(folder, checkpointAt(step), 2)) as [string, string];
      const bytes = readFileSync(join(newer, file));
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(join(newer, file), bytes);
      const refused = expect(readCheckpoint(newer)).rejects;
      await refused.toMatchObject({ code: 'DIFFUSION_CHECKPOINT_DAMAGED', message: expect.stringContaining(older) });
      expect((await readCheckpoint(older)).step).toBe(1);
    },
  );

  it('without a readable state are refused', async () => {
    const path = writeCheckpoint(folder, checkpointAt(1), 1);
    writeFileSync(join(path, 'state.json'), '{"step": 1');
    await expect(readCheckpoint(path)).rejects.toMatchObject({ code: 'DIFFUSION_CHECKPOINT_DAMAGED' });
  });
});

describe('MetricsLog', () => {
  it('drops what a resumed run will make again, and a line that a crash cut off', () => {
    const log = new MetricsLog(join(folder, 'metrics.jsonl'));
    expect(log.read()).toEqual([]);
    for (const step of [1, 2, 3]) log.append({ step, loss: 1 / step });
    appendFileSync(join(folder, 'metrics.jsonl'), '{"step": 4, "lo');
    expect(log.read().map(({ step }) => step)).toEqual([1, 2, 3]);
    log.rewindTo(2);
    expect(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).toBe('{"step":1,"loss":1}\n{"step":2,"loss":0.5}\n');
  });
});

describe('lockRun', () => {
  it('keeps a second trainer out, is given back, and is taken over from a dead process', () => {
    const unlock = lockRun(folder);
    expect(() => lockRun(folder)).toThrow(expect.objectContaining({ code: 'DIFFUSION_RUN_LOCKED' }));
    unlock();
    writeFileSync(join(folder, 'run.lock'), '999999999');
    lockRun(folder)();
    expect(existsSync(join(folder, 'run.lock'))).toBe(false);
  });
});

describe('onNamedData', () => {
  it('looks for another data set in its own place, and for the same one in another folder only if told', () => {
    const trained = { ...defaultConfig, dataset: 'grey-image-folder', root: 'here' };
    expect(onNamedData(trained, {})).toEqual(trained);
    expect(onNamedData(trained, { dataset: 'mnist' })).toEqual({ ...trained, dataset: 'mnist', root: null });
    expect(onNamedData(trained, { root: 'there' })).toEqual({ ...trained, root: 'there' });
    expect(() => onNamedData(trained, { dataset: 'cifar10' })).toThrow(/1 channels.*'cifar10' have 3/);
  });
});

describe('resolveConfig', () => {
  it('fills in the defaults', () => {
    expect(resolveConfig({ size: 64, batch: 8 })).toEqual({ ...defaultConfig, size: 64, batch: 8 });
  });

  it.each([
    [{ chanels: 8 }, 'DIFFUSION_UNKNOWN_KEY', /Did you mean 'channels'/],
    [{ modelOptions: 'cunet-woA' }, 'DIFFUSION_BAD_CONFIG', /an object of options/],
    [{ size: 28 }, 'DIFFUSION_BAD_CONFIG', /`size` is 28, but has to be a multiple of 16/],
    [{ steps: -3 }, 'DIFFUSION_BAD_CONFIG', /`steps` is -3, but has to be an integer of 1 or more/],
    [{ prediction: 'eps' }, 'DIFFUSION_BAD_CONFIG', /Allowed: epsilon, sample, v_prediction/],
    [{ learningRate: '1e-3' }, 'DIFFUSION_BAD_CONFIG', /`learningRate` is '1e-3'/],
    [{ emaDecay: 2 }, 'DIFFUSION_BAD_CONFIG', /from 0 to 1/],
  ])('refuses %o', (config, code, message) => {
    expect(() => resolveConfig(config)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});

describe('checkNames', () => {
  it.each([
    [{ model: 'unet', modelOptions: { preset: 'ho' } }, /no other `preset` than 'lucidrains' for the model 'unet'/],
    [{ learningRateSchedule: 'warmup_stable_decay', decaySteps: 20, steps: 10 }, /`decaySteps` is 20.*0 to 10/],
    [{ classConditioning: true }, /`classConditioning` is true.*unet2d can/],
    [{ model: 'unet2d', classConditioning: true, dataset: 'celeba' }, /whose images have no classes/],
    [{ validateEvery: 5, dataset: 'image-folder' }, /has no part to validate on/],
    [{ modelOptions: { imageSize: 64 } }, /no `imageSize`, for which `size` stands/],
  ])('refuses %j', (config, message) => {
    const code = 'DIFFUSION_BAD_CONFIG';
    expect(() => checkNames(resolveConfig(config))).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it('lets options of a network win over what it has by itself', async () => {
    await useEngine('wasm', { threads: 1 });
    const modelOptions = { layersPerBlock: 1, normNumGroups: 4 };
    const network = makeModel(resolveConfig({ model: 'unet2d', channels: 4, size: 16, modelOptions }));
    expect(network.config).toMatchObject({ layers_per_block: 1, norm_num_groups: 4, block_out_channels: [4, 8, 8] });
    network.dispose();
  });
});

describe('folders of pictures', () => {
  it.each([
    ['image-folder', 3],
    ['grey-image-folder', 1],
  ])('%s has images of %i channels', async (dataset, channels) => {
    await useEngine('wasm', { threads: 1 });
    await writePng(join(folder, 'picture.png'), imageGrid({ data: [0.1, 0.5, 0.9], shape: [1, 1, 1, 3] }));
    const config = resolveConfig({ dataset, root: folder, size: 16 });
    expect(datasetChannels(config)).toBe(channels);
    const images = await openDataset(config);
    for await (const batch of images.batches({ batchSize: 1 })) {
      expect(batch.images.shape).toEqual([1, 16, 16, channels]);
      batch.images.dispose();
    }
    await images.close();
  });
});

describe('the configurations of the paper', () => {
  const configs = new URL('../configs/', import.meta.url);

  it.each(readdirSync(configs))('%s is complete and of known names', (file) => {
    const config = resolveConfig(JSON.parse(readFileSync(new URL(file, configs), 'utf8')) as Record<string, unknown>);
    expect(() => checkNames(config)).not.toThrow();
    expect(config.batch * config.accumulate).toBe(256);
    expect(file).toContain(config.model);
    expect(config.randomFlip).toBe(config.dataset !== 'mnist');
  });
});

describe('pictures', () => {
  it('lays out bytes as they are, and refuses tensors', () => {
    const shape = [2, 1, 1, 1];
    const bytes = imageGrid({ data: Uint8Array.of(51, 255), shape }, { gap: 0 });
    expect([...bytes.data]).toEqual([51, 255]);
    expect(imageGrid({ data: [0.2, 1], shape }, { gap: 0 })).toEqual(bytes);
    const tensor = { data: () => Promise.resolve(Float32Array.of(0, 1)), shape } as never;
    for (const images of [tensor, undefined as never, { data: [1], shape }]) {
      expect(() => imageGrid(images)).toThrow(expect.objectContaining({ code: 'DIFFUSION_BAD_IMAGES' }) as Error);
    }
  });

  it('lay images out row by row with gaps', () => {
    const grid = imageGrid({ data: [0.2, 0.4, 1], shape: [3, 1, 1, 1] }, { columns: 2, gap: 1 });
    expect(grid).toMatchObject({ width: 5, height: 5, channels: 1 });
    expect([...grid.data]).toEqual([0, 0, 0, 0, 0, 0, 51, 0, 102, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('are written as PNG', async () => {
    const path = join(folder, 'grid.png');
    await writePng(path, imageGrid({ data: new Float32Array(12), shape: [1, 2, 2, 3] }));
    expect([...readFileSync(path).subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
    await expect(
      writePng(join(folder, 'grid.png', 'x.png'), imageGrid({ data: [0], shape: [1, 1, 1, 1] })),
    ).rejects.toMatchObject({ code: 'DIFFUSION_OUTPUT_NOT_WRITABLE' });
    expect(readdirSync(folder)).toEqual(['grid.png']);
  });

  it('plot the loss with text, on a machine without fonts too', () => {
    const steps = Array.from({ length: 50 }, (_, i) => ({ step: i + 1, loss: Math.exp(-i / 20) }));
    const [plain, titled] = ['', 'a title'].map((title) => lossPlot(steps, title)) as [Buffer, Buffer];
    expect([...titled.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
    expect(titled.equals(plain)).toBe(false);
  });
});

describe('makeFolder', () => {
  it('refuses what cannot be a folder', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => makeFolder(join(folder, 'file', 'inner'))).toThrow(
      expect.objectContaining({ code: 'DIFFUSION_OUTPUT_NOT_WRITABLE' }),
    );
  });
});
