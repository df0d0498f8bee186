import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGenerator } from '@missing-u/random';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
