import { execFile, execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useEngine } from '@missing-u/engine';
import { findInstallations } from '@missing-u/engine/node';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig, trainRun } from '../src/node.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const bin = here('../bin/missing-u.js');
const python = here('../../../tools/reference/.venv/bin/python');
const readEvents = here('../../../tools/reference/diffusion/read_events.py');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'missing-u-shown-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lines = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(
      (line) => JSON.parse(line) as Record<string, number> & { bins: { from: number; to: number; count: number }[] },
    );

/** A project of a user, in which this package is installed and a configuration lies. */
function project(): string {
  const place = join(folder, 'project');
  mkdirSync(join(place, 'node_modules/@missing-u'), { recursive: true });
  symlinkSync(here('..'), join(place, 'node_modules/@missing-u/diffusion'));
  writeFileSync(
    join(place, 'run.ts'),
    `import { defineConfig } from '@missing-u/diffusion/node';
    const every: number = 2;
    export default defineConfig({
      model: 'unet', channels: 8, modelOptions: { dimMults: [1, 2] }, timesteps: 8, batch: 2, warmupSteps: 0, steps: 99,
      sampleEvery: every, validateEvery: every, validationCount: 16, evaluateEvery: 4, evaluateCount: 4,
    });`,
  );
  return place;
}

describe('a training from a file in TypeScript', () => {
  let run: string;
  beforeAll(async () => {
    const place = project();
    run = join(place, 'run');
    const args = ['train', '--config', join(place, 'run.ts'), '--steps', '4', '--engine', 'wasm', '--threads', '1'];
    const { stdout, status } = await new Promise<{ stdout: string; status: number | null }>((resolve) => {
      const child = execFile(process.execPath, [bin, ...args, '--out', run, '--json'], (_, stdout) =>
        resolve({ stdout, status: child.exitCode }),
      );
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ out: run, engine: 'wasm', steps: 4 });
  }, 300_000);

  it('has the settings of the file, over which flags win', () => {
    const config = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config).toMatchObject({
      model: 'unet',
      modelOptions: { dimMults: [1, 2] },
      timesteps: 8,
      steps: 4,
      seed: 0,
    });
  });

  it('samples, validates and evaluates when it was asked to', async () => {
    expect(lines(join(run, 'metrics.jsonl')).map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    const validations = lines(join(run, 'validation.jsonl'));
    expect(validations.map(({ step }) => step)).toEqual([2, 4]);
    for (const { loss, bins } of validations) {
      expect(loss).toBeGreaterThan(0);
      // A chain of eight timesteps has eight parts.
      expect(bins.map(({ from, to, count }) => [from, to, count])).toEqual(
        Array.from({ length: 8 }, (_, t) => [t, t, 2]),
      );
    }
    const evaluations = lines(join(run, 'evaluation.jsonl'));
    expect(evaluations.map(({ step }) => step)).toEqual([4]);
    expect(evaluations[0]!['fid-mnist']).toBeGreaterThan(0);
    expect(readdirSync(join(run, 'samples'))).toEqual(['step-00000002.png', 'step-00000004.png']);
    const { width, height } = await sharp(join(run, 'samples/step-00000004.png')).metadata();
    // Four by four pictures of 32 pixels.
    expect([width, height].every((side) => side >= 4 * 32)).toBe(true);
    expect((await sharp(join(run, 'loss.png')).metadata()).format).toBe('png');
  });

  it.skipIf(!existsSync(python))('is read by tensorboard itself (needs tools/reference/setup.sh)', () => {
    const printed = execFileSync(python, [readEvents, run], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const { scalars, images } = JSON.parse(printed) as Record<'scalars' | 'images', Record<string, number[][]>>;
    const logged = lines(join(run, 'metrics.jsonl'));
    const tags = { loss: 'loss', 'gradient norm': 'gradNorm', 'learning rate': 'learningRate' };
    for (const [tag, key] of Object.entries(tags)) {
      expect(scalars[tag]).toEqual(logged.map((line) => [line.step, Math.fround(line[key]!)]));
    }
    const validated = lines(join(run, 'validation.jsonl')).map(({ step, loss }) => [step, Math.fround(loss!)]);
    expect(scalars['validation/loss']).toEqual(validated);
    expect(Object.keys(scalars).filter((tag) => tag.startsWith('validation/t '))).toHaveLength(8);
    expect(scalars['fid-mnist']![0]![0]).toBe(4);
    expect(images['samples']!.map(([step]) => step)).toEqual([2, 4]);
    for (const [, width, height, bytes] of images['samples']!) {
      expect(Math.min(width!, height!)).toBeGreaterThanOrEqual(4 * 32);
      expect(bytes).toBeGreaterThan(100);
    }
  });
});

const installed = (await findInstallations()).some(({ fault }) => fault === undefined);

describe('the memory of a training', () => {
  it.each(['wasm', ...(installed ? (['native'] as const) : [])] as const)(
    'does not grow, whatever it shows of itself: not by one tensor on %s',
    { timeout: 300_000 },
    async (engine) => {
      await useEngine(engine, { threads: 1 });
      const before = tf.memory().numTensors;
      const shown = { sampleEvery: 3, validateEvery: 3, validationCount: 8, evaluateEvery: 6, evaluateCount: 4 };
      const network = { model: 'unet', channels: 8, modelOptions: { dimMults: [1, 2] }, timesteps: 4 };
      const config = resolveConfig({ ...network, ...shown, batch: 2, steps: 18, checkpointEvery: 4 });
      const tensors: number[] = [];
      const { model } = await trainRun(config, {
        out: join(folder, engine),
        resume: false,
        signal: new AbortController().signal,
        onStep: () => tensors.push(tf.memory().numTensors),
      });
      // By then the features that Fréchet distances compare are there, and the graph that samples.
      const settled = tensors.slice(6);
      expect(settled).toEqual(settled.map(() => settled[0]));
      model.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});
