import { existsSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { useEngine } from '../src/index.ts';

/** SwiftShader, which Chromium brings along, plays the graphics card. */
const card = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/opt/google/chrome/vk_swiftshader_icd.json'].find((path) =>
  existsSync(path),
);
const look = () => import('../src/webgpu/dawn.ts');

describe('webgpu in Node', () => {
  beforeEach(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
  });

  it('is told from one without a card', async () => {
    vi.stubEnv('VK_ICD_FILENAMES', '/nowhere/card.json');
    vi.stubEnv('VK_DRIVER_FILES', '/nowhere/card.json');
    expect(await (await look()).findDawnCard()).toEqual({ reason: 'WebGPU finds no graphics card' });
  });

  it('survives a driver that crashes', async () => {
    // Where the process that looks for a card dies before it can answer.
    vi.stubEnv('NODE_OPTIONS', `--import=data:text/javascript,process.kill(process.pid,'SIGSEGV')`);
    expect(await (await look()).findDawnCard()).toEqual({ reason: "WebGPU's driver crashed (SIGSEGV)" });
  });

  it.skipIf(card === undefined)(
    'computes, reads asynchronously, and says so (needs Chromium)',
    async () => {
      vi.stubEnv('VK_ICD_FILENAMES', card);
      const said: string[] = [];
      const engine = await useEngine('webgpu', { log: (line) => said.push(line) });
      expect(engine).toMatchObject({ name: 'webgpu', device: expect.stringContaining('SwiftShader') as string });
      expect(said).toEqual([expect.stringContaining('await tensor.data()')]);

      expect(Array.from(tf.tensor1d([1, 2]).dataSync())).toEqual([1, 2]); // not yet on the card
      const product = tf.matMul(tf.ones([4, 4]), tf.ones([4, 4]));
      expect(() => product.dataSync()).toThrow(expect.objectContaining({ code: 'ENGINE_ASYNC_READ' }) as Error);
      expect(Array.from(await product.data())).toEqual(new Array(16).fill(4));

      // Nobody asked for a card that the processor plays.
      const chosen = await useEngine('auto', { log: () => undefined });
      expect(chosen.name).not.toBe('webgpu');
    },
    240_000,
  );
});
