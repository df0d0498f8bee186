import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSafetensors } from '@missing-u/weights';
import { describe, expect, it } from 'vitest';
import { modelFolder, modelNames, type ModelName } from '../src/index.ts';

const json = (model: ModelName, file: string) =>
  JSON.parse(readFileSync(join(modelFolder(model), file), 'utf8')) as Record<string, unknown>;

describe.each(modelNames)('%s', (model) => {
  it('has the files of a pipeline, its training and its card', () => {
    for (const file of ['model_index.json', 'scheduler/scheduler_config.json', 'unet/config.json', 'loss.csv']) {
      expect(existsSync(join(modelFolder(model), file)), file).toBe(true);
    }
    expect(json(model, 'training.json')).toMatchObject({ dataset: 'mnist', size: 32, prediction: 'epsilon' });
  });

  it('has finite weights in half precision, as many as its card says', async () => {
    const weights = await loadSafetensors(join(modelFolder(model), 'unet/diffusion_pytorch_model.safetensors'));
    let count = 0;
    for (const { dtype, data } of Object.values(weights)) {
      expect(dtype).toBe('float16');
      count += data.length;
      expect([...data].every((value) => Number.isFinite(Number(value)))).toBe(true);
    }
    expect(count).toBe(json(model, 'numbers.json')['parameters']);
  });

  it('has a card with the numbers that were measured', () => {
    const card = readFileSync(join(modelFolder(model), 'README.md'), 'utf8');
    const { confidentShare, 'fid-mnist': distance } = json(model, 'numbers.json') as Record<string, number>;
    expect(card).toContain(`${(100 * confidentShare!).toFixed(1)} %`);
    expect(card).toContain(distance!.toFixed(2));
  });
});

it('trains both with one recipe, and the cU-Net has at most 0.26 of the parameters and 0.4 of the operations', () => {
  const [{ model: _a, channels: _b, ...cunet }, { model: _c, channels: _d, ...unet }] = modelNames.map((name) =>
    json(name, 'training.json'),
  ) as [Record<string, unknown>, Record<string, unknown>];
  expect(cunet).toEqual(unet);
  const [ours, theirs] = modelNames.map((name) => json(name, 'numbers.json')) as [
    Record<string, number>,
    Record<string, number>,
  ];
  expect(ours['parameters']! / theirs['parameters']!).toBeLessThanOrEqual(0.26);
  expect(ours['operations']! / theirs['operations']!).toBeLessThanOrEqual(0.4);
});

it('refuses unknown names', () => {
  expect(() => modelFolder('mnist-cnet' as ModelName)).toThrow(
    expect.objectContaining({ code: 'PRETRAINED_UNKNOWN_MODEL', message: expect.stringMatching(/mnist-cunet/) }),
  );
});
