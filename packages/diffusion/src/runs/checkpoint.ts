import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { unknownName } from '@missing-u/errors';
import { encodeSafetensors, loadSafetensors, toFloat32, type StateDict } from '@missing-u/weights';
import type { NamedParameter } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import type { TrainerState } from '../training/trainer.ts';
import { flushFolder, outputError, removeQuietly, writeDurably } from './files.ts';

/** A point of a run from which it goes on exactly as if it had never stopped. */
export interface Checkpoint extends TrainerState {
  /** The trained weights, by the parameters' paths; the averaged ones are in `ema`. */
  weights: StateDict;
  /** Where the data stood, as the data set describes it. */
  data: unknown;
  /** The loss that says which checkpoint is the best: of validation where there is one, else the mean since the last one. */
  score?: number;
}

const PREFIX = 'step-';
const stateFile = 'state.json';
const weightsFile = 'weights.safetensors';
const optimizerFile = 'optimizer.safetensors';
const emaFile = (index: number) => (index === 0 ? 'ema.safetensors' : `ema-${index}.safetensors`);
/** Checksums of the other files, as `sha256sum --check` reads them. */
const sumsFile = 'SHA256SUMS';

interface StateFile {
  step: number;
  score?: number;
  optimizer: { count: number };
  ema: { updates: number }[];
  timesteps?: unknown;
  data: unknown;
  /** Paths of the parameters in definition order, which a safetensors file does not keep. */
  parameters: string[];
}

/**
 * Writes a checkpoint below `folder` and returns its path. It appears in one step (written aside, flushed to the disk, then
 * renamed), so a crash leaves the older ones and nothing half-written. The newest `keep` stay, and the one of the best score.
 *
 * @throws DiffusionError `DIFFUSION_OUTPUT_NOT_WRITABLE`, with the older checkpoints as they were
 */
export function writeCheckpoint(folder: string, checkpoint: Checkpoint, keep: number): string {
  const { step, score, optimizer, ema, timesteps, data, weights } = checkpoint;
  const path = join(folder, `${PREFIX}${String(step).padStart(8, '0')}`);
  const state: StateFile = {
    step,
    ...(score !== undefined && { score }),
    optimizer: { count: optimizer.count },
    ema: ema.map(({ updates }) => ({ updates })),
    ...(timesteps !== undefined && { timesteps }),
    data,
    parameters: Object.keys(weights),
  };
  const files: [name: string, content: Uint8Array][] = [
    [weightsFile, encodeSafetensors(weights)],
    ...ema.map(({ average }, i) => [emaFile(i), encodeSafetensors(split(average, weights))] as [string, Uint8Array]),
    [optimizerFile, encodeSafetensors({ first: vector(optimizer.first), second: vector(optimizer.second) })],
    [stateFile, Buffer.from(`${JSON.stringify(state, null, 2)}\n`)],
  ];
  files.push([sumsFile, Buffer.from(sumsOf(files))]);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`);
  const replaced = join(folder, `.${basename(path)}.${process.pid}.old.tmp`);
  try {
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    for (const [name, content] of files) writeDurably(join(temporary, name), content);
    flushFolder(temporary);
    if (existsSync(path)) renameSync(path, replaced);
    renameSync(temporary, path);
    flushFolder(folder);
  } catch (error) {
    removeQuietly(temporary);
    throw outputError(path, error);
  }
  removeQuietly(replaced);
  prune(folder, keep);
  return path;
}

/** Removes what crashes have left of checkpoints that were being written; only for the process that holds the run's lock. */
export function removeUnfinished(folder: string): void {
  if (!existsSync(folder)) return;
  const unfinished = readdirSync(folder).filter((name) => name.startsWith(`.${PREFIX}`) && name.endsWith('.tmp'));
  for (const name of unfinished) removeQuietly(join(folder, name));
}

/** Removes the checkpoints after a step to which a run has gone back. */
export function removeLaterThan(folder: string, step: number): void {
  for (const path of listCheckpoints(folder)) if (stepOf(path) > step) removeQuietly(path);
}

/** Paths of the complete checkpoints below `folder`, oldest first. */
export function listCheckpoints(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^step-\d{8,}$/.test(name))
    .map((name) => join(folder, name))
    .sort((a, b) => stepOf(a) - stepOf(b));
}

/**
 * The path of a checkpoint by its name: `latest`, `best`, a step, or the name of its folder. Undefined where there are none.
 *
 * @throws DiffusionError `DIFFUSION_UNKNOWN_CHECKPOINT`
 */
export function findCheckpoint(folder: string, name = 'latest'): string | undefined {
  const paths = listCheckpoints(folder);
  if (paths.length === 0 || name === 'latest') return paths.at(-1);
  if (name === 'best') return bestOf(paths) ?? paths.at(-1);
  const found = paths.find((path) => basename(path) === name || String(stepOf(path)) === name);
  if (found !== undefined) return found;
  const known = ['latest', 'best', ...paths.map((path) => basename(path))];
  throw new DiffusionError('DIFFUSION_UNKNOWN_CHECKPOINT', unknownName('checkpoint', name, known));
}

/**
 * Reads a checkpoint, checking every byte against the hashes that were written with it.
 *
 * @throws DiffusionError `DIFFUSION_CHECKPOINT_DAMAGED`, which names the one before it where there is one.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const files = verified(path);
  const state = parse(files[stateFile]!);
  const weights = await loadSafetensors(files[weightsFile]!);
  const { first, second } = await loadSafetensors(files[optimizerFile]!);
  const averages = await Promise.all(state.ema.map((_, i) => loadSafetensors(files[emaFile(i)]!)));
  const { parameters, optimizer, ema, ...rest } = state;
  return {
    ...rest,
    weights: Object.fromEntries(parameters.map((name) => [name, weights[name]!])),
    optimizer: { count: optimizer.count, first: toFloat32(first!), second: toFloat32(second!) },
    ema: averages.map((average, i) => ({
      updates: ema[i]!.updates,
      average: join1d(parameters.map((name) => toFloat32(average[name]!))),
    })),
  };
}

/** An average of the weights of a checkpoint, or with `ema: false` the trained weights themselves, checked as all of it. */
export function readWeights(path: string, { ema = 0 }: { ema?: number | false } = {}): Promise<StateDict> {
  const wanted = ema === false ? weightsFile : emaFile(ema);
  const length = parse(verified(path, [stateFile])[stateFile]!).ema.length;
  if (ema === false || ema < length) return loadSafetensors(verified(path, [wanted])[wanted]!);
  const known = Array.from({ length }, (_, i) => String(i));
  throw new DiffusionError('DIFFUSION_UNKNOWN_CHECKPOINT', unknownName('ema', String(ema), known));
}

/** The parameters' values by path, in definition order. */
export async function readParameters(parameters: readonly NamedParameter[]): Promise<StateDict> {
  const entries = parameters.map(async ({ name, variable }) => {
    const data = (await variable.data()) as Float32Array<ArrayBuffer>;
    return [name, { dtype: 'float32', shape: variable.shape, data }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** The bytes of files of a checkpoint, by default of all, once they are found to be what was written. */
function verified(path: string, wanted?: readonly string[]): Record<string, Uint8Array<ArrayBuffer>> {
  const sums = tryRead(join(path, sumsFile));
  if (sums === undefined) throw damaged(path, sumsFile);
  const lines = sums.toString('utf8').split('\n').slice(0, -1);
  const names = lines.map((line) => line.split('  ')[1] ?? '');
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const name of wanted ?? new Set([stateFile, weightsFile, optimizerFile, ...names])) {
    const content = tryRead(join(path, name));
    if (content === undefined || !lines.includes(sumsOf([[name, content]]).trimEnd())) throw damaged(path, name);
    files[name] = new Uint8Array(content);
  }
  // What is left to compare are the separators of the list itself.
  if (wanted === undefined && !sums.equals(Buffer.from(sumsOf(names.map((name) => [name, files[name]!]))))) {
    throw damaged(path, sumsFile);
  }
  return files;
}

function parse(state: Uint8Array): StateFile {
  return JSON.parse(Buffer.from(state).toString('utf8')) as StateFile;
}

function sumsOf(files: readonly (readonly [name: string, content: Uint8Array])[]): string {
  return files.map(([name, content]) => `${createHash('sha256').update(content).digest('hex')}  ${name}\n`).join('');
}

function tryRead(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

function prune(folder: string, keep: number): void {
  const paths = listCheckpoints(folder);
  const best = bestOf(paths);
  for (const old of paths.slice(0, -keep)) if (old !== best) removeQuietly(old);
}

/** The checkpoint with the lowest score, the newest of equals. */
function bestOf(paths: readonly string[]): string | undefined {
  const scored = paths.flatMap((path) => {
    const score = scoreOf(path);
    return score === undefined ? [] : [{ path, score }];
  });
  return scored.reduce<(typeof scored)[number] | undefined>(
    (best, one) => (best === undefined || one.score <= best.score ? one : best),
    undefined,
  )?.path;
}

function scoreOf(path: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(join(path, stateFile), 'utf8')) as StateFile).score;
  } catch {
    return undefined;
  }
}

/** The step of a checkpoint by its path. */
export function stepOf(path: string): number {
  return Number(basename(path).slice(PREFIX.length));
}

function damaged(path: string, file: string): DiffusionError {
  const before = listCheckpoints(dirname(path))
    .filter((other) => stepOf(other) < stepOf(path))
    .at(-1);
  const remedy =
    before === undefined
      ? 'There is no older one in this run.'
      : `The one before it is \`${before}\`: go on from there with \`--checkpoint ${basename(before)}\`.`;
  const message = `The checkpoint \`${path}\` is damaged: \`${file}\` is missing or not what was written. ${remedy}`;
  return new DiffusionError('DIFFUSION_CHECKPOINT_DAMAGED', message);
}

function vector(data: Float32Array): StateDict[string] {
  return { dtype: 'float32', shape: [data.length], data: data as Float32Array<ArrayBuffer> };
}

/** A vector of all parameters as a state dict of the same names and shapes as `like`. */
function split(values: Float32Array, like: StateDict): StateDict {
  let start = 0;
  const entries = Object.entries(like).map(([name, { shape, data }]) => {
    const part = values.slice(start, (start += data.length));
    return [name, { dtype: 'float32', shape, data: part }] as const;
  });
  return Object.fromEntries(entries);
}

function join1d(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let start = 0;
  for (const part of parts) {
    joined.set(part, start);
    start += part.length;
  }
  return joined;
}
