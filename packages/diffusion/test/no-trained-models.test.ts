import { expect, it, vi } from 'vitest';
import { loadTrained } from '../src/runs/trained-model.ts';

vi.mock('../src/pipelines/package-folder.ts', () => ({
  pretrainedModels: () => [],
  publishedFolder: (name: string) => name,
}));

it('where no trained models are installed, the error says how to get them', async () => {
  const message = expect.stringContaining('npm install @missing-u/pretrained') as string;
  await expect(loadTrained('mnist-cunet')).rejects.toMatchObject({ code: 'DIFFUSION_NOT_A_MODEL', message });
});
