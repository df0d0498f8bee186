import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sharedFile } from '@missing-u/test-utils';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import type { MeasuredDenoising } from '../src/paper/denoising.ts';

const bin = fileURLToPath(new URL('../bin/missing-u.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'missing-u-paper-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

function missingU(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [bin, ...args, '--engine', 'wasm'], (_error, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr }),
    );
  });
}

const paper = (out: string, ...args: string[]) =>
  missingU('paper', ...args, '--size', '32', '--out', join(folder, out));

/** A folder of three pictures of one colour. */
async function pictures(background: string): Promise<string> {
  const of = join(folder, background);
  mkdirSync(of, { recursive: true });
  for (const name of ['a', 'b', 'c']) {
    await sharp({ create: { width: 32, height: 32, channels: 3, background } }).toFile(join(of, `${name}.png`));
  }
  return of;
}

/** The columns of a CSV file. */
const header = (file: string) =>
  Array.from(
    readFileSync(join(folder, file), 'utf8')
      .split('\n')[0]!
      .matchAll(/"([^"]*)"|([^",]+)/g),
    ([, quoted, plain]) => quoted ?? plain,
  );

interface Costs {
  model: string;
  published: { parameters: number };
  ours: { parameters: number; operations: number };
  callMs: number;
  peakBytes: number;
}

it('table5 and fig6 give the counts of the paper, of its public code, and ours', { timeout: 240_000 }, async () => {
  const { status, stdout, stderr } = await paper('networks', 'table5', 'fig6', '--quick', '--json');
  expect(status, stderr).toBe(0);
  const { table5, fig6 } = JSON.parse(stdout) as Record<'table5' | 'fig6', Costs[]>;
  // The first author's lab book (Figure 6), and with attention at five places.
  expect(fig6.map(({ published }) => published.parameters)).toEqual([
    35_710_339, 8_811_875, 8_548_707, 6_138_083, 5_874_915,
  ]);
  expect(table5[1]!.published.parameters).toBe(9_140_835);
  expect(table5.map(({ ours }) => ours.parameters).slice(0, 3)).toEqual([35_710_339, 9_092_451, 8_500_323]);
  for (const { callMs, peakBytes, ours } of table5) {
    expect(callMs).toBeGreaterThan(0);
    // At the least a picture of the first level's 32 channels.
    expect(peakBytes).toBeGreaterThan(32 * 32 * 32 * 4);
    expect(ours.operations).toBeGreaterThan(0);
  }
  expect(readdirSync(join(folder, 'networks')).sort()).toEqual([
    ...['fig6.csv', 'fig6.json', 'fig6.md', 'fig6.png', 'fig6.svg', 'report.html'],
    ...['table5.csv', 'table5.json', 'table5.md', 'table5.png', 'table5.svg', 'tables.json'],
  ]);
  expect(new Set(header('networks/table5.csv')).size).toBe(14);
  const page = readFileSync(join(folder, 'networks/report.html'), 'utf8');
  expect(page).toContain('Table 5: what the networks cost');
  expect(page).toContain('<svg');
});

it('memory grows with the steps of the solver for direct gradients alone', { timeout: 480_000 }, async () => {
  const { status, stdout, stderr } = await missingU(
    ...['paper', 'memory', '--size', '16', '--channels', '1', '--json', '--out', join(folder, 'memory')],
  );
  expect(status, stderr).toBe(0);
  const { memory } = JSON.parse(stdout) as { memory: { gradient: string; steps: number; peakBytes: number }[] };
  const peak = (gradient: string, steps: number) =>
    memory.find((row) => row.gradient === gradient && row.steps === steps)!.peakBytes;
  expect(peak('direct', 8) / peak('direct', 1)).toBeGreaterThan(4);
  expect(peak('adjoint', 8) / peak('adjoint', 1)).toBeLessThan(1.2);
  expect(peak('reversible', 8) / peak('reversible', 2)).toBeLessThan(1.2);
  expect(peak('checkpointed', 8)).toBeLessThan(peak('direct', 8) / 4);
});

it('tables 1 to 4 and figures 10 and 11 measure two trained models', { timeout: 480_000 }, async () => {
  const runs = { unet: join(folder, 'runs/unet'), cunet: join(folder, 'runs/cunet') };
  for (const [model, out] of Object.entries(runs)) {
    const train = await missingU(...`train --model ${model} --channels 8 --steps 2 --batch 2 --out ${out}`.split(' '));
    expect(train.status, train.stderr).toBe(0);
  }
  const models = ['--unet', runs.unet, '--cunet', runs.cunet];
  const small =
    '--samples 4 --real-count 8 --steps 2,3 --etas 0,1 --eta-steps 2 --images 3 --starts 4,50 --training-steps 1 --batch 4'.split(
      ' ',
    );
  const trunk = sharedFile('squeezenet/squeezenet1_1-fp16.safetensors');
  const heads = sharedFile('lpips/v0.1/squeeze.pth');
  const lpips = trunk && heads ? ['--lpips-trunk', trunk, '--lpips-heads', heads] : [];
  const figures = lpips.length > 0 ? ['fig10', 'fig11'] : ['fig10'];
  const tables = ['table1', 'eta', 'table2', 'table3', 'table4', ...figures, 'solvers'];
  const { status, stdout, stderr } = await paper('models', ...tables, ...models, ...small, ...lpips, '--json');
  expect(status, stderr).toBe(0);
  const found = JSON.parse(stdout) as Record<string, { model: string; method: string; start: number; ssim: number }[]>;
  expect(Object.keys(found)).toEqual(tables);
  // Two models, two samplers, two numbers of steps; two models, two noise levels; three methods more.
  expect([found['table1']!.length, found['table2']!.length, found['table4']!.length]).toEqual([8, 4, 10]);
  expect(found['table3']).toEqual(found['table2']);
  // The ends of the curve are the two samplers of Table 1.
  const samplesOf = (rows: unknown) => rows as { model: string; steps: number; values: Record<string, number> }[];
  const twoSteps = samplesOf(found['table1']).filter(({ steps }) => steps === 2);
  const byEta = samplesOf(found['eta']) as unknown as { model: string; eta: number; values: Record<string, number> }[];
  expect(byEta.map(({ model, eta }) => [model, eta])).toEqual([
    ...[
      ['U-Net', 0],
      ['U-Net', 1],
    ],
    ...[
      ['cU-Net', 0],
      ['cU-Net', 1],
    ],
  ]);
  expect(byEta.map(({ values }) => values)).toEqual([1, 0, 3, 2].map((place) => twoSteps[place]!.values));
  for (const { values } of byEta) expect(values['legible']).toBeLessThanOrEqual(1);
  // BM3D is told the noise, so it cannot be far off where there is next to none.
  const { ssim } = found['table4']!.find(({ method, start }) => method === 'BM3D' && start === 4)!;
  expect(ssim).toBeGreaterThan(0.98);
  const solvers = found['solvers'] as unknown as { solver: string; evaluations: number; difference: number }[];
  const evaluations = Object.fromEntries(solvers.map(({ solver, evaluations }) => [solver, evaluations]));
  expect(evaluations).toMatchObject({
    'rk4, 1 step': 4,
    'euler, 1 step': 1,
    'midpoint, 1 step': 2,
    'rk4, 4 steps': 16,
  });
  // More steps come closer to the most exact solver.
  const [one, two, four] = ['rk4, 1 step', 'rk4, 2 steps', 'rk4, 4 steps'].map(
    (name) => solvers.find(({ solver }) => solver === name)!.difference,
  );
  expect(two).toBeLessThan(one!);
  expect(four).toBeLessThan(two!);
  expect(readFileSync(join(folder, 'models/report.html'), 'utf8')).toContain(
    "trained: both 2 steps, 4 images (the paper's code: 10,000 steps, 2,560,000 images) on mnist",
  );
  for (const table of tables.filter((name) => name !== 'fig10')) {
    expect(new Set(header(`models/${table}.csv`)).size, table).toBe(header(`models/${table}.csv`).length);
  }
  // The images of tables 2 to 4 once, those of table 1 for each model and sampler, and a plot for each metric of eta.
  const drawn = readdirSync(join(folder, 'models')).filter((name) => /^(table|eta).*png$/.test(name));
  expect(drawn.sort()).toEqual([
    ...['eta-fid-mnist.png', 'eta-legible.png', 'table1-cu-net-ddim.png', 'table1-cu-net-ddpm.png'],
    ...['table1-u-net-ddim.png', 'table1-u-net-ddpm.png', 'table1.png', 'table2-t4.png', 'table2-t50.png'],
  ]);
  const csv = readFileSync(join(folder, 'models/table4.csv'), 'utf8').split('\n');
  expect(csv[0]).toContain('"SSIM 50, paper"');
  expect(csv.find((line) => line.startsWith('BM3D'))).toContain('0.74');
  // The same images, denoised with fresh noise as in sampling.
  const fresh = await paper('noise', 'table2', ...models, ...small, '--starts', '4', '--add-noise', '--json');
  expect(fresh.status, fresh.stderr).toBe(0);
  const courseOf = (rows: unknown) => (rows as MeasuredDenoising[])[0]!.course['ssim']!;
  const [plain, noisy] = [found['table2'], (JSON.parse(fresh.stdout) as typeof found)['table2']].map(courseOf);
  expect(noisy).toHaveLength(plain!.length);
  expect(noisy![0]).not.toBeCloseTo(plain![0]!, 5);
  expect(readFileSync(join(folder, 'noise/report.html'), 'utf8')).toContain('Fresh noise in the reverse steps');
  // Other test images: white ones, of which every noisy one has some other SSIM than a digit has.
  const white = await pictures('white');
  const named = ['--dataset', 'grey-image-folder', '--root', white];
  const other = await paper('other', 'table2', ...models, ...small, '--starts', '4', ...named, '--json');
  expect(other.status, other.stderr).toBe(0);
  const [digits, whites] = [found['table2'], (JSON.parse(other.stdout) as typeof found)['table2']].map(
    (rows) => (rows as unknown as MeasuredDenoising[])[0]!.noisy['ssim']!,
  );
  expect(whites).not.toBeCloseTo(digits!, 3);
  const report = readFileSync(join(folder, 'other/report.html'), 'utf8');
  expect(report).toContain('on mnist at 32 x 32');
  expect(report).toContain('Measured on grey-image-folder');
  const coloured = await paper('coloured', 'table2', ...models, '--dataset', 'cifar10');
  expect([coloured.status, coloured.stderr]).toEqual([
    2,
    expect.stringMatching(/1 channels.*'cifar10' have 3.*DIFFUSION_RUNS_DIFFER/s),
  ]);
});

it(
  'trains the denoisers of table 4 on what the models were trained on, and says where test images are of that',
  {
    timeout: 240_000,
  },
  async () => {
    const grey = await pictures('grey');
    const runs = ['unet', 'cunet'].map((model) => [model, join(folder, `grey-${model}`)] as const);
    for (const [model, out] of runs) {
      const data = ['--dataset', 'grey-image-folder', '--root', grey, '--out', out];
      const train = await missingU(...`train --model ${model} --channels 8 --steps 1 --batch 2`.split(' '), ...data);
      expect(train.status, train.stderr).toBe(0);
    }
    const small = '--images 2 --starts 2 --training-steps 1'.split(' ');
    const models = [...runs.flatMap(([model, out]) => [`--${model}`, out]), ...small];
    // An auto-encoder refuses to be trained on images that are white throughout.
    const other = await paper('unseen', 'table4', ...models, '--root', await pictures('white'));
    expect(other.status, other.stderr).toBe(0);
    const same = await paper('seen', 'table2', ...models);
    expect(same.status, same.stderr).toBe(0);
    expect(same.stdout).toContain('images that the models were trained on');
    expect(other.stdout).not.toContain('images that the models were trained on');
  },
);

it('says which models there are where one is unknown', async () => {
  const { status, stderr } = await paper('none', 'table1', '--unet', 'mnist-unett');
  expect(status).toBe(2);
  expect(stderr).toMatch(/Did you mean 'mnist-unet'.*DIFFUSION_NOT_A_MODEL/);
});

it('names the tables that there are', async () => {
  const { status, stderr } = await paper('none', 'table55');
  expect(status).toBe(2);
  expect(stderr).toContain("Did you mean 'table5'?");
  expect(stderr).toContain('DIFFUSION_UNKNOWN_EXPERIMENT');
});
