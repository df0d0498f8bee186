import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useEngine } from '@missing-u/engine';
import { createGenerator } from '@missing-u/random';
import { DDIMScheduler } from '@missing-u/schedulers';
import { UNet } from '@missing-u/unet-blocks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DiffusionPipeline } from '../src/index.ts';
import { listCheckpoints, readCheckpoint, stepOf } from '../src/runs/checkpoint.ts';

/** The command as users run it: the built program in a process of its own. */
const bin = fileURLToPath(new URL('../bin/missing-u.js', import.meta.url));
const STEPS = 24;
const settings =
  `--engine wasm --threads 1 --model unet --channels 8 --size 16 --batch 2 --seed 1 --warmup-steps 0 --sample-every 0 ` +
  `--checkpoint-every 2 --keep-checkpoints 2 --steps ${STEPS}`;
const begin = (out: string) => ['train', ...settings.split(' '), '--out', out];
const resume = (out: string) => ['train', '--resume', out, '--engine', 'wasm', '--threads', '1'];

let folder: string;
let whole: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'missing-u-survival-'));
  whole = join(folder, 'whole');
  expect(await ended(start(begin(whole)))).toBe(0);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (args: string[]) => spawn(process.execPath, [bin, ...args], { stdio: 'ignore' });

/** The same with a disk that takes 40 ms for each file, so that a checkpoint is in the making long enough to be hit. */
function startOnSlowDisk(args: string[]): ChildProcess {
  const preload = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const { fsyncSync } = fs;
    fs.fsyncSync = (file) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40);
      fsyncSync(file);
    };
    syncBuiltinESMExports();`;
  const options = ['--import', `data:text/javascript,${encodeURIComponent(preload)}`];
  return spawn(process.execPath, [...options, bin, ...args], { stdio: 'ignore' });
}

const ended = (child: ChildProcess) => new Promise((resolve) => child.on('exit', resolve));
const checkpoints = (run: string) => join(run, 'checkpoints');
const unfinished = (run: string) =>
  existsSync(checkpoints(run)) ? readdirSync(checkpoints(run)).filter((name) => name.endsWith('.tmp')) : [];

/** What was logged, without a last line that a kill cut off. */
function losses(run: string): string[] {
  if (!existsSync(join(run, 'metrics.jsonl'))) return [];
  return readFileSync(join(run, 'metrics.jsonl'), 'utf8').split('\n').slice(0, -1);
}

/** The newest checkpoint, every byte of it checked; 0 where there is none yet. */
async function savedStep(run: string): Promise<number> {
  const paths = listCheckpoints(checkpoints(run));
  for (const path of paths) expect((await readCheckpoint(path)).step).toBe(stepOf(path));
  return paths.length === 0 ? 0 : stepOf(paths.at(-1)!);
}

/** Sends a signal once the run has made a step more than `from`, and `delay` ms; returns the exit status, null when killed. */
async function stopAfter(child: ChildProcess, run: string, from: number, delay: number, signal: NodeJS.Signals) {
  const end = ended(child);
  const timer = setInterval(() => {
    if (losses(run).length <= from) return;
    clearInterval(timer);
    setTimeout(() => child.kill(signal), delay);
  }, 5);
  return end.finally(() => clearInterval(timer));
}

/** Kills a training `delay` ms after a checkpoint has begun to be written. */
async function killWhileSaving(child: ChildProcess, run: string, delay: number): Promise<void> {
  const watcher = watch(checkpoints(run), (_event, name) => {
    if (name?.startsWith('.step-') && name.endsWith('.tmp')) setTimeout(() => child.kill('SIGKILL'), delay);
  });
  await ended(child);
  watcher.close();
}

describe('a training', () => {
  it('that is killed at any moment, also while it saves, loses at most the steps since its last checkpoint', async () => {
    const run = join(folder, 'killed');
    const random = createGenerator(process.pid);
    let saved = 0;
    let halfWritten = 0;
    for (let kill = 0; kill < 5 && saved < STEPS; kill++) {
      const args = saved > 0 ? resume(run) : begin(run);
      if (kill > 0 && saved > 0) await killWhileSaving(startOnSlowDisk(args), run, 160 * random.uniform());
      else await stopAfter(start(args), run, saved + 2, 100 * random.uniform(), 'SIGKILL');
      expect(await savedStep(run)).toBeGreaterThanOrEqual(saved);
      saved = await savedStep(run);
      if (unfinished(run).length > 0) halfWritten += 1;
      // Nothing but the steps since the last checkpoint is lost: one is saved after every second step.
      expect(losses(run).length - saved).toBeLessThanOrEqual(2);
    }
    expect(halfWritten).toBeGreaterThan(0);
    expect(await ended(start(resume(run)))).toBe(0);
    expect(losses(run)).toEqual(losses(whole));
    expect(unfinished(run)).toEqual([]);
  }, 600_000);

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('that is asked to end by %s saves and exits with %i', { timeout: 300_000 }, async (signal, status) => {
    const run = join(folder, signal);
    expect(await stopAfter(start(begin(run)), run, 2, 0, signal)).toBe(status);
    expect(await savedStep(run)).toBe(losses(run).length);
    expect(existsSync(join(run, 'run.lock'))).toBe(false);
    expect(losses(run)).toEqual(losses(whole).slice(0, losses(run).length));
  });
});

describe('a sampling', () => {
  const COUNT = 48;
  const model = () => join(folder, 'model');
  const sampling = (...out: string[]) => {
    const flags = `--steps 3 --count ${COUNT} --batch 4 --seed 2 --engine wasm --threads 1`;
    return ['sample', '--model', model(), ...flags.split(' '), ...out];
  };
  beforeAll(async () => {
    await useEngine('wasm', { threads: 1 });
    const unet = new UNet({ inChannels: 1, dim: 8, dimMults: [1, 2], imageSize: 16, seed: 1 });
    await new DiffusionPipeline({ unet, scheduler: new DDIMScheduler() }).savePretrained(model());
    unet.dispose();
  });

  /** Kills a process a moment after its output has grown. */
  async function killed(args: string[], size: () => number): Promise<void> {
    const child = start(args);
    const before = size();
    const timer = setInterval(() => {
      if (size() <= before) return;
      clearInterval(timer);
      setTimeout(() => child.kill('SIGKILL'), 60 * random.uniform());
    }, 2);
    await ended(child).finally(() => clearInterval(timer));
  }
  const random = createGenerator(process.pid);
  const pictures = (set: string) =>
    existsSync(set) ? readdirSync(set).filter((name) => name.endsWith('.png') && !name.startsWith('.')) : [];

  it('into a folder that is killed again and again ends with all pictures, each of them once', async () => {
    const [whole, set] = [join(folder, 'whole-set'), join(folder, 'killed-set')];
    expect(await ended(start(sampling('--out', whole)))).toBe(0);
    let stopped = 0;
    for (let kill = 0; kill < 3; kill++) {
      await killed(sampling('--out', set), () => pictures(set).length);
      if (pictures(set).length < COUNT) stopped += 1;
    }
    expect(stopped).toBeGreaterThan(0);
    expect(await ended(start(sampling('--out', set)))).toBe(0);
    const names = Array.from({ length: COUNT }, (_, i) => `${String(i).padStart(8, '0')}.png`);
    expect(readdirSync(set).sort()).toEqual([...names, 'samples.json']);
    for (const name of names) expect(readFileSync(join(set, name))).toEqual(readFileSync(join(whole, name)));
    expect(new Set(names.map((name) => readFileSync(join(set, name)).toString('base64'))).size).toBe(COUNT);
  }, 300_000);

  it('into an array that is killed again and again ends with the bytes of one that was not', async () => {
    const [whole, array] = [join(folder, 'whole.npz'), join(folder, 'killed.npz')];
    const into = (npz: string) => sampling('--out', `${npz}.png`, '--npz', npz);
    expect(await ended(start(into(whole)))).toBe(0);
    const partial = join(folder, '.killed.npz.partial');
    const size = () => (existsSync(partial) ? statSync(partial).size : 0);
    let stopped = 0;
    for (let kill = 0; kill < 3; kill++) {
      await killed(into(array), size);
      if (!existsSync(array)) stopped += 1;
    }
    expect(stopped).toBeGreaterThan(0);
    expect(await ended(start(into(array)))).toBe(0);
    expect(readFileSync(array)).toEqual(readFileSync(whole));
    expect(existsSync(partial)).toBe(false);
  }, 300_000);
});

const canMount = tryMount();

function tryMount(): boolean {
  try {
    execFileSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Runs a shell script with a file system of its own at $DISK. */
function onDisk(options: string, script: string): Promise<{ status: number | null; stderr: string }> {
  const disk = mkdtempSync(join(folder, 'disk-'));
  const shell = `mount -t tmpfs -o ${options} tmpfs "$DISK" && ${script}`;
  return new Promise((resolve) => {
    const env = { ...process.env, DISK: disk, NODE: process.execPath, BIN: bin };
    const child = execFile('unshare', ['-rm', 'sh', '-c', shell], { env }, (_error, _stdout, stderr) =>
      resolve({ status: child.exitCode, stderr }),
    );
  });
}

describe.skipIf(!canMount)('a disk (needs `unshare -rm`, of Linux)', () => {
  it(
    'that is full ends a training with what is to be done, and the last checkpoint as it was',
    { timeout: 600_000 },
    async () => {
      const bytes = readdirSync(listCheckpoints(checkpoints(whole))[0]!, { withFileTypes: true })
        .map(({ parentPath, name }) => readFileSync(join(parentPath, name)).length)
        .reduce((sum, size) => sum + size, 0);
      // Room for one checkpoint and a half.
      const run = join(folder, 'full');
      const train = `"$NODE" "$BIN" ${begin('"$DISK/run"').join(' ')}`;
      const { status, stderr } = await onDisk(
        `size=${Math.round(1.5 * bytes)}`,
        `{ ${train}; status=$?; cp -r "$DISK/run" "${run}"; exit $status; }`,
      );
      expect(stderr).toMatch(/checkpoints\/step-00000004.*no space left.*DIFFUSION_OUTPUT_NOT_WRITABLE/);
      expect(status).toBe(2);
      expect(await savedStep(run)).toBe(2);
      expect(unfinished(run)).toEqual([]);
      // With room again it goes on.
      expect(await ended(start(resume(run)))).toBe(0);
      expect(losses(run)).toEqual(losses(whole));
    },
  );

  it('that cannot be written to is refused before anything is computed', async () => {
    const { status, stderr } = await onDisk('ro', `"$NODE" "$BIN" ${begin('"$DISK/run"').join(' ')}`);
    expect(stderr).toMatch(/[Rr]ead-only file system.*DIFFUSION_OUTPUT_NOT_WRITABLE/);
    expect(stderr).not.toMatch(/training 1/);
    expect(status).toBe(2);
  });
});
