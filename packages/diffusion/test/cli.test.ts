import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGenerator } from '@missing-u/random';
import { UNet2DModel } from '@missing-u/unet-blocks';
import { loadNpz } from '@missing-u/weights';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The command as users run it: the built program in a process of its own. */
const bin = fileURLToPath(new URL('../bin/missing-u.js', import.meta.url));
const tiny = '--engine wasm --channels 8 --batch 2 --seed 1 --warmup-steps 0'.split(' ');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'missing-u-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  status: number | null;
  stdout: string;
  stderr: string;
}

function run(...args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [bin, ...args], (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, stdout, stderr });
    });
  });
}

const losses = (run: string) =>
  readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as { step: number; loss: number });

describe('missing-u', () => {
  it('explains itself', async () => {
    const { status, stdout } = await run('--help');
    expect(status).toBe(0);
    for (const command of ['demo', 'train', 'sample', 'doctor']) expect(stdout).toContain(command);
    const train = await run('train', '--help');
    expect(train.status).toBe(0);
    expect(train.stdout).toContain('--checkpoint-every');
    expect(train.stdout).toContain('Examples:');
  });

  it.each([
    [['trian'], /unknown command 'trian'/],
    [['train', '--stpes', '3'], /unknown option '--stpes'[\s\S]*--steps/],
    [['train', '--steps', 'many'], /--steps[\s\S]*number/],
    [['train', '--steps', '-3'], /`steps` is -3, but has to be an integer of 1 or more.*DIFFUSION_BAD_CONFIG/],
    [['train', '--size', '28'], /`size` is 28, but has to be a multiple of 16.*DIFFUSION_BAD_CONFIG/],
    [['train', '--dataset', 'minst', '--engine', 'wasm'], /Did you mean 'mnist'.*DIFFUSION_UNKNOWN_DATASET/],
    [['train', '--model', 'cnet', '--engine', 'wasm'], /Did you mean 'cunet'.*DIFFUSION_UNKNOWN_MODEL/],
    [['train', '--model-options', '{"dim":4}'], /`modelOptions` .*no `dim`, for which `channels` stands/],
    [['train', '--model-options', 'woA'], /It has to be JSON/],
    [['train', '--from', 'mnist-cunte', '--engine', 'wasm'], /Did you mean 'mnist-cunet'.*DIFFUSION_NOT_A_MODEL/],
    [['train', '--from', 'unet', '--engine', 'wasm'], /`from` is 'unet', but has to be a trained model/],
    [['train', '--engine', 'wsam'], /Did you mean 'wasm'/],
    [['train', '--engine', 'wasm', '--root', '/no/such/folder'], /\/no\/such\/folder/],
    [
      ['train', '--engine', 'wasm', '--dataset', 'cifar10'],
      /missing-u datasets download cifar10.*DIFFUSION_NO_DATASET/,
    ],
    [['train', '--config', '/no/such/file.json'], /no\/such\/file\.json/],
    [
      ['sample', '--model', '/no/such/run', '--engine', 'wasm'],
      /not the folder of a training run.*DIFFUSION_NOT_A_MODEL/,
    ],
    [['sample'], /--model/],
    [['sample', '--model', 'mnist-cunet', '--eta', '3'], /--eta[\s\S]*from 0 to 1/],
    [
      ['sample', '--model', 'mnist-cunet', '--label', '3', '--engine', 'wasm'],
      /was not trained with labels.*DIFFUSION_BAD_LABELS/,
    ],
    [
      ['sample', '--model', 'mnist-cunet', '--steps', '2000', '--engine', 'wasm'],
      /from 1 to 1000.*DIFFUSION_BAD_COUNT/,
    ],
    [['denoise', 'nothing.png', '--method', 'mnist-cunte', '--engine', 'wasm'], /Did you mean 'mnist-cunet'/],
    [['evaluate', '--real', 'a', '--fake', 'b', '--seed', 'x'], /--seed[\s\S]*integer/],
    [['compare', 'mnist-cunte', '--engine', 'wasm'], /Did you mean 'mnist-cunet'.*DIFFUSION_NOT_A_MODEL/],
  ])('refuses %j in a few plain words', async (args, message) => {
    const out = join(folder, 'refused');
    const { status, stderr, stdout } = await run(
      ...args,
      ...(['train', 'compare'].includes(args[0]!) ? ['--out', out] : []),
    );
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(existsSync(out)).toBe(false);
  });

  it('refuses an output folder that cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    const { status, stderr } = await run('train', ...tiny, '--steps', '1', '--out', join(folder, 'file', 'run'));
    expect(stderr).toMatch(/DIFFUSION_OUTPUT_NOT_WRITABLE/);
    expect(status).toBe(2);
  });

  it('trains, is stopped by Ctrl-C, goes on with the very same losses, and samples', async () => {
    const [whole, stopped] = [join(folder, 'whole'), join(folder, 'stopped')];
    expect(await run('train', ...tiny, '--steps', '5', '--out', whole)).toMatchObject({ status: 0 });
    expect(losses(whole).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);

    const child = spawn(process.execPath, [bin, 'train', ...tiny, '--steps', '5', '--out', stopped]);
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
    await waitFor(() => existsSync(join(stopped, 'metrics.jsonl')) && losses(stopped).length >= 2);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(readdirSync(join(stopped, 'checkpoints'))).toHaveLength(1);
    expect(existsSync(join(stopped, 'run.lock'))).toBe(false);

    const again = await run('train', ...tiny, '--steps', '5', '--out', stopped);
    expect(again).toMatchObject({ status: 2, stderr: expect.stringContaining('DIFFUSION_RUN_EXISTS') });
    const resumed = await run('train', '--resume', stopped, '--engine', 'wasm', '--json');
    expect(resumed).toMatchObject({ status: 0 });
    expect(JSON.parse(resumed.stdout)).toMatchObject({ steps: 5, engine: 'wasm' });
    expect(losses(stopped)).toEqual(losses(whole));
    const rest = await run('train', '--resume', stopped, '--steps', '7', '--estimate', '--engine', 'wasm');
    expect(rest.stdout).toMatch(/for 2 steps/);

    const picture = join(folder, 'grid.png');
    const npz = join(folder, 'samples.npz');
    const flags = ['--steps', '3', '--count', '2', '--engine', 'wasm', '--out', picture, '--npz', npz];
    expect(await run('sample', '--model', stopped, ...flags)).toMatchObject({ status: 0 });
    expect([...readFileSync(picture).subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
    expect((await loadNpz(npz))['samples']).toMatchObject({ dtype: 'uint8', shape: [2, 32, 32, 1] });
    const report = join(folder, 'comparison');
    const sizes = ['--steps', '2', '--count', '4', '--real-count', '8', '--engine', 'wasm', '--out', report, '--json'];
    const compared = await run('compare', whole, stopped, ...sizes);
    expect(compared).toMatchObject({ status: 0 });
    const { models, results, restored } = JSON.parse(compared.stdout) as {
      models: { parameters: number }[];
      results: { values: Record<string, number> }[];
      restored: { rmse: number }[];
    };
    expect(models.map(({ parameters }) => parameters)).toEqual([642_689, 642_689]);
    expect(results[0]!.values).toEqual(results[1]!.values); // the same training gives the same pictures
    expect(results[0]!.values['fid-mnist']).toBeGreaterThan(0);
    expect(restored).toMatchObject([{ steps: 2, from: 250, count: 4 }, { rmse: restored[0]!.rmse }]);
    expect(restored[0]!.rmse).toBeGreaterThan(0);
    expect(readFileSync(join(report, 'report.html'), 'utf8')).toContain('Perception against distortion');
    expect(readFileSync(join(report, 'results.csv'), 'utf8')).toMatch(
      /parameters,operations,checkpoint MiB,distortion/,
    );
    expect(readdirSync(report).sort()).toEqual(['report.html', 'results.csv', 'results.json']);
    const some = join(folder, 'some');
    const pictures = ['--steps', '3', '--count', '3', '--batch', '2', '--engine', 'wasm', '--out', some];
    expect(await run('sample', '--model', stopped, ...pictures)).toMatchObject({ status: 0 });
    const names = ['00000000.png', '00000001.png', '00000002.png'];
    expect(readdirSync(some).sort()).toEqual([...names, 'samples.json']);
    const asked = [
      '--steps',
      '3',
      '--count',
      '12',
      '--metrics',
      'fid,is',
      '--real-count',
      '16',
      '--engine',
      'wasm',
      '--json',
    ];
    const evaluated = await run('evaluate', '--model', stopped, ...asked, '--samples', join(folder, 'evaluated'));
    expect(evaluated, evaluated.stderr).toMatchObject({ status: 0 });
    const measured = JSON.parse(evaluated.stdout) as Record<string, number>;
    expect(measured['frechet_inception_distance-mnist']).toBeGreaterThan(0);
    // The same picture from a batch of twelve and one of one: engines add in another order, which may round a byte otherwise.
    const [inTwelve, alone] = await Promise.all(
      ['evaluated', 'some'].map((set) =>
        sharp(join(folder, set, names[2]!))
          .raw()
          .toBuffer(),
      ),
    );
    const differences = alone!.map((byte, i) => Math.abs(byte - inTwelve![i]!));
    expect(alone).toHaveLength(inTwelve!.length);
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    const repeated = await run('evaluate', '--model', stopped, ...asked, '--samples', join(folder, 'evaluated'));
    expect(JSON.parse(repeated.stdout)).toEqual(measured);
    const unknown = await run('sample', '--model', stopped, ...flags, '--scheduler', 'ddimm');
    expect(unknown).toMatchObject({ status: 2, stderr: expect.stringMatching(/Did you mean 'ddim'/) });
  }, 400_000);

  it('shows the trained networks side by side in the demo', { timeout: 400_000 }, async () => {
    const out = join(folder, 'demo');
    const { status, stdout, stderr } = await run('demo', '--steps', '2', '--engine', 'wasm', '--out', out, '--json');
    expect(status, stderr).toBe(0);
    const { models, results } = JSON.parse(stdout) as {
      models: { name: string; parameters: number }[];
      results: { values: Record<string, number>; secondsPerStep: number }[];
    };
    expect(models).toMatchObject([
      { name: 'mnist-cunet', parameters: 2_313_281 },
      { name: 'mnist-unet', parameters: 9_190_977 },
    ]);
    for (const { values, secondsPerStep } of results) {
      expect(values['fid-mnist']).toBeGreaterThan(0);
      expect(secondsPerStep).toBeGreaterThan(0);
    }
    const files = ['report.html', 'report.json', 'samples-cunet.png', 'samples-unet.png'];
    expect(readdirSync(out).sort()).toEqual(files);
  });

  it('denoises pictures with a trained network by its name', async () => {
    // A one, three pixels wide.
    const clean = Uint8Array.from({ length: 1024 }, (_, i) => {
      const [x, y] = [i % 32, i >> 5];
      return Math.abs(x - 16) <= 1 && y >= 7 && y < 25 ? 255 : 0;
    });
    const random = createGenerator(1).fillNormal(new Float32Array(1024));
    const noisy = clean.map((byte, i) => Math.min(255, Math.max(0, byte + 40 * random[i]!)));
    const paths = { clean: join(folder, 'clean.png'), noisy: join(folder, 'noisy.png') };
    for (const [name, data] of Object.entries({ clean, noisy })) {
      await sharp(data, { raw: { width: 32, height: 32, channels: 1 } })
        .png()
        .toFile(paths[name as 'clean']);
    }
    const flags = [
      '--method',
      'mnist-cunet',
      '--sigma',
      '60',
      '--engine',
      'wasm',
      '--json',
      '--out',
      join(folder, 'dn'),
    ];
    const { status, stdout, stderr } = await run('denoise', paths.noisy, '--reference', paths.clean, ...flags);
    expect(status, stderr).toBe(0);
    const { images } = JSON.parse(stdout) as { images: { psnr: { before: number; after: number } }[] };
    expect(images[0]!.psnr.after).toBeGreaterThan(images[0]!.psnr.before + 2);
  });

  it('says what a run will take, and starts nothing', { timeout: 400_000 }, async () => {
    const config = fileURLToPath(new URL('../configs/mnist-cunet.json', import.meta.url));
    const out = join(folder, 'estimated');
    const flags = ['--channels', '8', '--batch', '2', '--estimate', '--json', '--engine', 'wasm', '--out', out];
    const { status, stdout, stderr } = await run('train', '--config', config, ...flags);
    expect(status, stderr).toBe(0);
    const { secondsPerStep, seconds, bytes } = JSON.parse(stdout) as Record<string, number>;
    expect(secondsPerStep).toBeGreaterThan(0);
    // 10,000 steps of two batches each, and at the least the weights with two moments and an average.
    expect(seconds).toBeCloseTo(10_000 * secondsPerStep!);
    expect(bytes).toBeGreaterThan(4 * 4 * 642_689);
    expect(existsSync(out)).toBe(false);
  });

  it('counts networks', async () => {
    const { status, stdout } = await run('summary', 'cunet', '--size', '16', '--json', '--engine', 'wasm');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ parameters: 8_763_491, checkpointBytes: 16 * 8_763_491 });
    expect(await run('summary', 'cunte')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("Did you mean 'cunet'"),
    });
  });

  it('counts the network of a model folder', async () => {
    const types = { downBlockTypes: ['DownBlock2D', 'DownBlock2D'], upBlockTypes: ['UpBlock2D', 'UpBlock2D'] };
    const options = { ...types, blockOutChannels: [8, 16], normNumGroups: 4, inChannels: 1 };
    const model = new UNet2DModel(options, { weights: 'none' });
    const saved = mkdtempSync(join(folder, 'model-'));
    writeFileSync(join(saved, 'config.json'), JSON.stringify(model.config));
    const { status, stdout } = await run('summary', saved, '--size', '8', '--json', '--engine', 'wasm');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ parameters: model.parameterCount });
    const sampled = await run('sample', '--model', saved, '--engine', 'wasm', '--out', join(saved, 'none.png'));
    expect(sampled).toMatchObject({ status: 2, stderr: expect.stringMatching(/holds no weights.*safetensors/) });
  });

  it('shows the engines of the machine', async () => {
    const { status, stdout } = await run('doctor', '--json');
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as { engine: { name: string }; candidates: { name: string; usable: boolean }[] };
    expect(report.candidates.find(({ name }) => name === report.engine.name)).toMatchObject({ usable: true });
    expect(report.candidates.find(({ name }) => name === 'wasm')).toMatchObject({ usable: true });
  });
});

async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited for a minute in vain');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
