import { describe, expect, it } from 'vitest';
import { DDIMPipeline, DiffusionPipeline } from '../src/index.ts';
import { isPackageFolder, packageFolder, pretrainedModels, publishedFolder } from '../src/pipelines/package-folder.ts';
import { loadTrained } from '../src/runs/trained-model.ts';

describe('models in npm packages', () => {
  it('are told from folders and names on the hub', () => {
    expect(isPackageFolder('@missing-u/pretrained/mnist-cunet')).toBe(true);
    for (const name of ['google/ddpm-cifar10-32', 'runs/first', '@missing-u/pretrained', 'mnist-cunet']) {
      expect(isPackageFolder(name), name).toBe(false);
    }
  });

  it('are found where they are installed, and listed', () => {
    expect(packageFolder('@missing-u/pretrained/mnist-cunet')).toMatch(/pretrained.mnist-cunet$/);
    expect(publishedFolder('mnist-cunet')).toBe(packageFolder('@missing-u/pretrained/mnist-cunet'));
    for (const name of ['src', 'runs/first', 'google/ddpm-cifar10-32']) expect(publishedFolder(name)).toBe(name);
    expect(pretrainedModels().toSorted()).toEqual(['faces-cunet', 'faces-unet', 'mnist-cunet', 'mnist-unet']);
  });

  it.each([
    ['@missing-u/pretraind/mnist-cunet', 'DIFFUSION_NOT_INSTALLED', /npm install @missing-u\/pretraind/],
    ['@missing-u/pretrained/mnist-cnet', 'DIFFUSION_NOT_A_PIPELINE', /mnist-cunet, mnist-unet/],
  ])('refuse %s', async (name, code, message) => {
    await expect(DiffusionPipeline.fromPretrained(name)).rejects.toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it('sample as any pipeline, with the configuration of their training', async () => {
    const pipeline = await DDIMPipeline.fromPretrained('mnist-cunet');
    const { shape, data } = await pipeline.sample({ batchSize: 1, numInferenceSteps: 2, outputType: 'array' });
    expect(shape).toEqual([1, 32, 32, 1]);
    expect(Math.max(...data)).toBeGreaterThan(0.5);
    pipeline.unet.dispose();
    const { config, model } = await loadTrained('mnist-cunet');
    expect(config).toMatchObject({ dataset: 'mnist', model: 'cunet', channels: 16 });
    model.dispose();
  });
});
