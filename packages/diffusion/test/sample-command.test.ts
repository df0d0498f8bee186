import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@missing-u/engine';
import { DDIMScheduler } from '@missing-u/schedulers';
import { loadNpz } from '@missing-u/weights';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DiffusionPipeline } from '../src/index.ts';
import { runCommand } from './run-command.ts';
import { smallNetwork } from './small-network.ts';

const folder = mkdtempSync(join(tmpdir(), 'missing-u-sample-'));
const at = (path: string) => join(folder, path);

beforeAll(async () => {
  await useEngine('cpu');
  for (const [name, classes] of Object.entries({ labelled: 4, plain: null })) {
    const unet = smallNetwork(8, classes);
    await new DiffusionPipeline({ unet, scheduler: new DDIMScheduler() }).savePretrained(at(name));
    unet.dispose();
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const few = '--steps 2 --count 3 --batch 2 --seed 5 --threads 1'.split(' ');

/** The bytes of the pictures that a command samples. */
async function sampled(engine: string, name: string, ...more: string[]): Promise<number[]> {
  const npz = at('samples.npz');
  const model = name.endsWith('.onnx') || existsSync(at(name)) ? at(name) : name;
  const args = ['--model', model, '--engine', engine, '--out', at('grid.png'), '--npz', npz];
  const { status, stderr } = await runCommand('sample', ...args, ...few, ...more);
  expect(status, stderr).toBe(0);
  return Array.from((await loadNpz(npz))['samples']!.data as Uint8Array);
}

const far = (a: number[], b: number[]) => a.filter((value, i) => Math.abs(value - b[i]!) > 1).length;

describe('missing-u sample of a class-conditional network', () => {
  it('makes images of a class, of any class, and with guidance, in every engine', async () => {
    const exported = ['--model', at('labelled'), '--format', 'onnx', '--out', at('labelled.onnx'), '--engine', 'cpu'];
    const { status, stderr } = await runCommand('export', ...exported);
    expect(status, stderr).toBe(0);
    const seen: number[][] = [];
    for (const flags of [[], ['--label', '1'], ['--label', '1', '--guidance', '4']]) {
      const expected = await sampled('cpu', 'labelled', ...flags);
      for (const model of ['labelled', 'labelled.onnx']) {
        expect(far(await sampled('onnx', model, ...flags), expected)).toBe(0);
      }
      for (const other of seen) expect(far(other, expected)).toBeGreaterThan(0);
      seen.push(expected);
    }
    // Without a label: the class of hidden ones.
    expect(await sampled('cpu', 'labelled', '--label', '3')).toEqual(seen[0]);
  });

  it.each([
    ['labelled', ['--label', '12'], /`classLabels` is 12, but has to be an integer from 0 to 3.*DIFFUSION_BAD_LABELS/],
    ['labelled', ['--guidance', '2'], /--guidance is given without --label.*DIFFUSION_BAD_GUIDANCE/],
    ['plain', ['--label', '1'], /was not trained with labels.*DIFFUSION_BAD_LABELS/],
  ])('refuses of the model %s %j, and leaves nothing', async (model, flags, message) => {
    for (const engine of ['cpu', 'onnx']) {
      mkdirSync(at('refused'));
      const out = join(at('refused'), 'grid.png');
      const args = ['--model', at(model), '--engine', engine, '--out', out];
      const { status, stderr } = await runCommand('sample', ...args, ...few, ...flags);
      expect(status).toBe(2);
      expect(stderr).toMatch(message);
      expect(readdirSync(at('refused'))).toEqual([]);
      rmSync(at('refused'), { recursive: true });
    }
  });
});

it('missing-u sample writes no PNG under another ending', async () => {
  const args = ['--model', at('plain'), '--engine', 'cpu', '--out', at('grid.jpg'), ...few];
  const { status, stderr } = await runCommand('sample', ...args);
  expect(status).toBe(2);
  expect(stderr).toMatch(/`--out` is .*grid\.jpg.*\.png.*DIFFUSION_BAD_OUTPUT/);
  expect(existsSync(at('grid.jpg'))).toBe(false);
});

describe('missing-u sample --engine onnx', () => {
  it('fills a folder, and goes on with it', async () => {
    const args = ['--model', at('plain'), '--engine', 'onnx', '--out', at('pictures'), ...few];
    expect(await runCommand('sample', ...args)).toMatchObject({ status: 0 });
    const pictures = ['00000000.png', '00000001.png', '00000002.png'].map((name) => join(at('pictures'), name));
    const before = pictures.map((path) => readFileSync(path));
    rmSync(pictures[1]!);
    expect(await runCommand('sample', ...args)).toMatchObject({ status: 0 });
    expect(pictures.map((path) => readFileSync(path))).toEqual(before);
    const other = await runCommand('sample', ...args, '--scheduler', 'ddpm');
    expect(other).toMatchObject({ status: 2, stderr: expect.stringContaining('DIFFUSION_OTHER_SAMPLES') });
  });

  it('makes a preset of the size that is asked for', async () => {
    const pictures = await sampled('onnx', 'cunet', '--size', '16', '--channels', '1', '--count', '1', '--steps', '1');
    expect(pictures).toHaveLength(16 * 16);
  });

  it('takes the checkpoint of a run, and refuses it of anything else', async () => {
    mkdirSync(at('images'));
    for (let i = 0; i < 4; i++) {
      const raw = { width: 16, height: 16, channels: 1 } as const;
      await sharp(new Uint8Array(256).fill(60 * i), { raw })
        .png()
        .toFile(join(at('images'), `${i}.png`));
    }
    const data = ['--dataset', 'grey-image-folder', '--root', at('images'), '--size', '16', '--engine', 'wasm'];
    const steps = '--model cunet --channels 8 --batch 2 --steps 2 --checkpoint-every 1 --warmup-steps 0'.split(' ');
    const trained = await runCommand('train', ...data, ...steps, '--out', at('run'));
    expect(trained.status, trained.stderr).toBe(0);
    const [first, second] = [await sampled('onnx', 'run', '--checkpoint', '1'), await sampled('onnx', 'run')];
    expect(first).not.toEqual(second);
    for (const [model, checkpoint] of [
      ['run', 'nonsense'],
      ['plain', 'best'],
      ['labelled.onnx', 'best'],
    ] as const) {
      const args = ['--model', at(model), '--checkpoint', checkpoint, '--engine', 'onnx', '--out', at('none.png')];
      const { status, stderr } = await runCommand('sample', ...args, ...few);
      expect(status).toBe(2);
      expect(stderr).toMatch(/DIFFUSION_UNKNOWN_CHECKPOINT/);
    }
  });
});
