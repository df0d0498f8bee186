import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@missing-u/engine';
import { encodeSafetensors } from '@missing-u/weights';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { UNet2DModel, type UNet2DConfig } from '@missing-u/unet-blocks';

const folder = mkdtempSync(join(tmpdir(), 'unet-blocks-'));
beforeAll(() => useEngine('wasm', { threads: 1 }).then(() => undefined));
afterAll(() => rmSync(folder, { recursive: true }));

const options = {
  blockOutChannels: [8, 16],
  downBlockTypes: ['DownBlock2D', 'AttnDownBlock2D'],
  upBlockTypes: ['AttnUpBlock2D', 'UpBlock2D'],
  normNumGroups: 4,
  layersPerBlock: 1,
  attentionHeadDim: 4,
};

/** The prediction for some pictures, channels first. */
function prediction(model: UNet2DModel): number[] {
  return tf.tidy(() => {
    const numbers = Float32Array.from({ length: 2 * 3 * 64 }, (_, i) => Math.sin(0.71 * i));
    const sample = tf.transpose(tf.tensor4d(numbers, [2, 3, 8, 8]), [0, 2, 3, 1]);
    return Array.from(tf.transpose(model.predict(sample, [3, 70]), [0, 3, 1, 2]).dataSync());
  });
}

describe('a folder written here', () => {
  it.each([[{}], [{ maxShardBytes: 20_000 }]])('is read here, %o', async (saveOptions) => {
    const path = join(folder, `own-${Object.keys(saveOptions).length}`);
    const model = new UNet2DModel(options, { seed: 3 });
    await model.savePretrained(path, saveOptions);
    expect(readdirSync(path).length > 2).toBe('maxShardBytes' in saveOptions);
    for (const address of [path, `${path}/`, pathToFileURL(path)]) {
      const loaded = await UNet2DModel.fromPretrained(address);
      expect(loaded.config).toEqual(model.config);
      expect(prediction(loaded)).toEqual(prediction(model));
      loaded.dispose();
    }
  });

  it('holds half precision where asked to', async () => {
    const path = join(folder, 'half');
    const model = new UNet2DModel(options, { seed: 3 });
    await model.savePretrained(path, { dtype: 'float16' });
    expect(prediction(await UNet2DModel.fromPretrained(path))).toBeAllClose(prediction(model), { atol: 0.01 });
  });

  it.each([
    ['a whole file in place of shards', { maxShardBytes: 20_000 }, {}],
    ['shards in place of a whole file', {}, { maxShardBytes: 20_000 }],
    ['few shards in place of many', { maxShardBytes: 5_000 }, { maxShardBytes: 20_000 }],
  ])('holds what was saved last: %s', async (_, first, then) => {
    const path = mkdtempSync(join(folder, 'twice-'));
    const [old, model] = [1, 2].map((seed) => new UNet2DModel(options, { seed }));
    await old!.savePretrained(path, first);
    writeFileSync(join(path, 'diffusion_pytorch_model.fp16.safetensors'), 'of somebody else');
    await model!.savePretrained(path, then);
    const fresh = mkdtempSync(join(folder, 'once-'));
    await model!.savePretrained(fresh, then);
    const kept = readdirSync(path).filter((name) => name !== 'diffusion_pytorch_model.fp16.safetensors');
    expect(kept).toEqual(readdirSync(fresh));
    expect((await UNet2DModel.fromPretrained(path)).stateDict()).toEqual(model!.stateDict());
  });

  it('is read from its index where a whole file of before is left, as in Python', async () => {
    const path = mkdtempSync(join(folder, 'left-'));
    const [old, model] = [1, 2].map((seed) => new UNet2DModel(options, { seed }));
    await model!.savePretrained(path, { maxShardBytes: 20_000 });
    writeFileSync(join(path, 'diffusion_pytorch_model.safetensors'), encodeSafetensors(old!.stateDict()));
    expect((await UNet2DModel.fromPretrained(path)).stateDict()).toEqual(model!.stateDict());
  });

  it('may hold variants, whole and in shards', async () => {
    const path = mkdtempSync(join(folder, 'variant-'));
    const model = new UNet2DModel(options, { seed: 3 });
    await model.savePretrained(path);
    const weights = 'diffusion_pytorch_model';
    renameSync(join(path, `${weights}.safetensors`), join(path, `${weights}.fp16.safetensors`));
    await expect(UNet2DModel.fromPretrained(path)).rejects.toMatchObject({ code: 'UNET_NO_PRETRAINED' });
    expect((await UNet2DModel.fromPretrained(path, { variant: 'fp16' })).stateDict()).toEqual(model.stateDict());
    const other = new UNet2DModel(options, { seed: 4 });
    await other.savePretrained(path, { maxShardBytes: 20_000 });
    renameSync(join(path, `${weights}.safetensors.index.json`), join(path, `${weights}.safetensors.index.ema.json`));
    expect((await UNet2DModel.fromPretrained(path, { variant: 'ema' })).stateDict()).toEqual(other.stateDict());
    await expect(UNet2DModel.fromPretrained(path, { variant: '../x' })).rejects.toMatchObject({ code: 'UNET_OPTION' });
    await expect(UNet2DModel.fromPretrained(path, { varient: 'x' } as object)).rejects.toThrow(/'variant'/);
  });

  it('may have config keys of other releases, which are left out with a warning', async () => {
    const path = mkdtempSync(join(folder, 'newer-'));
    const model = new UNet2DModel(options, { seed: 3 });
    await model.savePretrained(path);
    writeFileSync(join(path, 'config.json'), JSON.stringify({ ...model.config, some_future_option: null }));
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const read = await UNet2DModel.fromPretrained(path);
    expect(read.config).toEqual(model.config);
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/no config key some_future_option/)]]);
    warn.mockRestore();
    expect(() => new UNet2DModel({ ...model.config, some_future_option: null })).toThrow(/some_future_option/);
  });

  it('may have the attention names of early diffusers releases', () => {
    const model = new UNet2DModel(options, { seed: 3 });
    const old = Object.entries(model.stateDict()).map(([name, tensor]) => [
      name
        .replace('to_q.', 'query.')
        .replace('to_k.', 'key.')
        .replace('to_v.', 'value.')
        .replace('to_out.0.', 'proj_attn.'),
      tensor,
    ]);
    const other = new UNet2DModel(options, { seed: 4 });
    other.loadStateDict(Object.fromEntries(old));
    expect(prediction(other)).toEqual(prediction(model));
  });
});

describe('a folder that is none', () => {
  const cases: [string, Record<string, string>, RegExp][] = [
    ['nothing', {}, /Cannot read/],
    ['no-json', { 'config.json': '{' }, /not JSON/],
    ['other-class', { 'config.json': '{"_class_name": "VQModel"}' }, /VQModel/],
    ['no-weights', { 'config.json': '{"_class_name": "UNet2DModel"}' }, /holds no weights/],
    [
      'cut',
      { 'config.json': '{"_class_name": "UNet2DModel"}', 'diffusion_pytorch_model.safetensors': 'abc' },
      /safetensors/,
    ],
  ];
  it.each(cases)('%s is refused with a reason, and nothing leaks', async (name, files, reason) => {
    const path = mkdtempSync(join(folder, `${name}-`));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
    const before = tf.memory().numTensors;
    await expect(UNet2DModel.fromPretrained(path)).rejects.toThrow(reason);
    expect(tf.memory().numTensors).toBe(before);
  });
});

const python = fileURLToPath(new URL('../../../tools/reference/.venv/bin/python', import.meta.url));
const script = fileURLToPath(new URL('../../../tools/reference/unet-blocks/exchange.py', import.meta.url));

/** What tools/reference/unet-blocks/exchange.py tells of a model. */
interface Facts {
  config: UNet2DConfig;
  labels: number[] | number[][] | null;
  parameters: number;
  prediction: number[];
}

describe.skipIf(!existsSync(python))("Python's diffusers (needs tools/reference/.venv)", () => {
  const exchange = (command: 'save' | 'load', path: string) => {
    const printed = execFileSync(python, [script, command, path], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 2 ** 26,
    });
    return JSON.parse(printed) as Record<string, Facts>;
  };

  /** The prediction for the pictures of the script, channels first. */
  const predict = (model: UNet2DModel, { labels }: Facts): number[] =>
    tf.tidy(() => {
      const channels = model.config['in_channels'] as number;
      const numbers = Float32Array.from({ length: 2 * channels * 96 }, (_, i) => Math.sin(0.71 * i));
      const sample = tf.transpose(tf.tensor4d(numbers, [2, channels, 8, 12]), [0, 2, 3, 1]);
      const rows = Array.isArray(labels?.[0]) ? tf.tensor2d(labels) : (labels as number[]);
      const condition = rows === null ? {} : { classLabels: rows };
      return Array.from(tf.transpose(model.predict(sample, [3, 70], condition), [0, 3, 1, 2]).dataSync());
    });

  it('writes what is read here, and reads what is written here', { timeout: 300_000 }, async () => {
    const [theirs, ours] = [join(folder, 'from-python'), join(folder, 'to-python')];
    const written = Object.entries(exchange('save', theirs));
    expect(written.length).toBeGreaterThanOrEqual(10);
    const predictions: Record<string, number[]> = {};
    for (const [name, facts] of written) {
      const read = await UNet2DModel.fromPretrained(join(theirs, name));
      expect(read.parameterCount, name).toBe(facts.parameters);
      const scale = Math.max(...facts.prediction.map(Math.abs));
      expect(predict(read, facts), name).toBeAllClose(facts.prediction, { rtol: 0, atol: 2e-5 * scale });
      const { _name_or_path, ...rest } = JSON.parse(
        readFileSync(join(theirs, name, 'config.json'), 'utf8'),
      ) as object & {
        _name_or_path?: string;
      };
      expect(read.config, name).toEqual(rest);
      read.dispose();

      const own = new UNet2DModel(facts.config, { seed: 5 });
      await own.savePretrained(join(ours, name));
      predictions[name] = predict(own, facts);
      own.dispose();
    }
    for (const [name, { prediction }] of Object.entries(exchange('load', ours))) {
      const scale = Math.max(...prediction.map(Math.abs));
      expect(predictions[name], name).toBeAllClose(prediction, { rtol: 0, atol: 2e-5 * scale });
    }
  });
});
