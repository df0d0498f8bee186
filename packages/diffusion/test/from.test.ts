import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@missing-u/engine';
import { toFloat32 } from '@missing-u/weights';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listCheckpoints, readWeights } from '../src/runs/checkpoint.ts';
import { publishedFolder } from '../src/pipelines/package-folder.ts';
import { resolveConfig, resumedConfig } from '../src/runs/config.ts';
import { openModel } from '../src/runs/open-model.ts';
import { loadRun } from '../src/runs/load-run.ts';
import { loadTrained } from '../src/runs/trained-model.ts';
import { trainRun } from '../src/runs/train-run.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'missing-u-from-'));
  await useEngine('wasm');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const small = { batch: 2, steps: 1, warmupSteps: 0, sampleEvery: 0, emaDecay: 0.5 };

async function train(name: string, keys: object, resume = false) {
  const out = join(folder, name);
  const { model } = await trainRun(resolveConfig({ ...small, ...keys }), {
    out,
    resume,
    signal: new AbortController().signal,
  });
  model.dispose();
  return out;
}

const trained = (run: string) => readWeights(listCheckpoints(join(run, 'checkpoints')).at(-1)!, { ema: false });

describe('a run from the weights of another', () => {
  it('makes its first step from the averaged weights, and begins with the average there too', async () => {
    const first = await train('first', { channels: 8, learningRate: 0.01 });
    const second = await train('second', { channels: 8, learningRate: 1e-3, from: first, seed: 9 });
    const [begin, after] = [(await loadRun(first)).model, (await loadRun(second)).model];
    const steps = await trained(second);
    const averages = after.stateDict();
    let moved = 0;
    for (const { name, variable } of begin.parameters()) {
      const values = variable.dataSync();
      toFloat32(steps[name]!).forEach((value, i) => {
        // Adam's first step is the rate in each weight, where the gradient is not 0.
        expect(Math.abs(value - values[i]!)).toBeLessThan(1.01e-3);
        moved += Number(value !== values[i]);
      });
    }
    expect(moved).toBeGreaterThan(1000);
    for (const [name, { data }] of Object.entries(begin.stateDict())) {
      data.forEach((value, i) =>
        expect(Math.abs(Number(averages[name]!.data[i]) - Number(value))).toBeLessThan(1.01e-3),
      );
    }
    begin.dispose();
    after.dispose();
  });

  it.each([
    ['mnist-cunet', { model: 'cunet', channels: 16 }],
    ['mnist-unet', { model: 'unet', channels: 32 }],
  ])('takes those of %s', async (from, network) => {
    const out = await train(from, { ...network, from, learningRate: 1e-9 });
    const [published, { model }] = [(await openModel(from)).network, await loadRun(out)];
    const values = model.stateDict();
    for (const [name, { data, shape }] of Object.entries(published.stateDict())) {
      expect(values[name]!.shape).toEqual(shape);
      const differences = [...data].map((value, i) => Math.abs(Number(value) - Number(values[name]!.data[i])));
      expect(differences.every((difference) => difference < 1e-7)).toBe(true);
    }
    published.dispose();
    model.dispose();
  });

  it('counts for a published model what all of its runs took', async () => {
    const { config, steps, images, model } = await loadTrained('mnist-cunet');
    const json = readFileSync(join(publishedFolder('mnist-cunet'), 'numbers.json'), 'utf8');
    expect(JSON.parse(json)).toMatchObject({ trainedSteps: steps, trainedImages: images });
    expect(steps).toBeGreaterThan(config.steps);
    expect(images).toBeGreaterThan(config.steps * config.batch);
    model.dispose();
  });

  it('refuses another network, before it writes anything', async () => {
    const { numTensors } = tf.memory();
    await expect(train('other', { channels: 8, from: 'mnist-cunet' })).rejects.toMatchObject({
      code: expect.any(String),
    });
    expect(existsSync(join(folder, 'other'))).toBe(false);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('goes on from its own checkpoint', async () => {
    const out = await train('own', { channels: 8, from: join(folder, 'first') });
    rmSync(join(folder, 'first'), { recursive: true });
    await train('own', { channels: 8, from: join(folder, 'first'), steps: 2 }, true);
    expect(listCheckpoints(join(out, 'checkpoints'))).toHaveLength(2);
    expect(() => resumedConfig(resolveConfig({ from: 'a' }), { from: 'b' })).toThrow(/`from` is 'b'/);
  });
});
