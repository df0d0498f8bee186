import { beforeEach, expect, it, vi } from 'vitest';
import { useEngine } from '../src/index.ts';
import { ownCacheFolder } from './folder.ts';

// No native engine is found in it, and no card by the driver that is named.
ownCacheFolder();
beforeEach(() => void vi.stubEnv('VK_ICD_FILENAMES', '/nowhere/card.json'));

it.each(['auto', 'wasm', 'cpu'] as const)('%s with `gpu: true` does not settle for the processor', async (name) => {
  const failure: unknown = await useEngine(name, { gpu: true }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  const reasons = (failure as Error).message;
  const processors = name === 'auto' ? ['wasm', 'cpu'] : [name];
  for (const each of processors)
    expect(reasons).toContain(`${each} computes on the processor, and \`gpu: true\` insists`);
});
