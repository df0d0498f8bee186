import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { encodeSafetensors, loadSafetensors, toFloat32, type StateDict } from '@missing-u/weights';
import type { NamedParameter } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import type { TrainerState } from '../training/trainer.ts';
import { outputError, removeQuietly, writeDurably } from './files.ts';

/** A point of a run from which it goes on exactly as if it had never stopped. */
export interface Checkpoint extends TrainerState {
  /** The trained weights, by the parameters' paths; the averaged ones are in `ema`. */
  weights: StateDict;
  /** Where the data stood, as the data set describes it. */
  data: unknown;
}

const PREFIX = 'step-';
const stateFile = 'state.json';

interface StateFile {
  step: number;
  optimizer: { count: number };
  ema: { updates: number };
  data: unknown;
  /** Paths of the parameters in definition order, which a safetensors file does not keep. */
  parameters: string[];
  /** sha256 of the other files. */
  files: Record<string, string>;
}

/**
 * Writes a checkpoint below `folder` and returns its path. It appears in one step (written aside, flushed to the disk, then
 * renamed), so a crash leaves the older ones and nothing half-written. The newest `keep` stay.
 */
export function writeCheckpoint(folder: string, checkpoint: Checkpoint, keep: number): string {
  const { step, optimizer, ema, data, weights } = checkpoint;
  const path = join(folder, `${PREFIX}${String(step).padStart(8, '0')}`);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`);
  const files: Record<string, Uint8Array> = {
    'weights.safetensors': encodeSafetensors(weights),
    'ema.safetensors': encodeSafetensors(split(ema.average, weights)),
    'optimizer.safetensors': encodeSafetensors({ first: vector(optimizer.first), second: vector(optimizer.second) }),
  };
  const state: StateFile = {
    step,
    optimizer: { count: optimizer.count },
    ema: { updates: ema.updates },
    data,
    parameters: Object.keys(weights),
    files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, sha256(bytes)])),
  };
  try {
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    for (const [name, bytes] of Object.entries(files)) writeDurably(join(temporary, name), bytes);
    writeDurably(join(temporary, stateFile), `${JSON.stringify(state, null, 2)}\n`);
    flushFolder(temporary);
    rmSync(path, { recursive: true, force: true });
    renameSync(temporary, path);
    flushFolder(folder);
  } catch (error) {
    removeQuietly(temporary);
    throw outputError(path, error);
  }
  for (const old of listCheckpoints(folder).slice(0, -keep)) rmSync(old, { recursive: true, force: true });
  return path;
}

/** Paths of the complete checkpoints below `folder`, oldest first. */
export function listCheckpoints(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(PREFIX))
    .sort()
    .map((name) => join(folder, name));
}

/**
 * Reads a checkpoint, checking every byte against the hashes that were written with it.
 *
 * @throws DiffusionError `DIFFUSION_CHECKPOINT_DAMAGED`, which names the one before it where there is one.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const state = parseState(path);
  const read = async (name: string): Promise<StateDict> => {
    const bytes = existsSync(join(path, name)) ? new Uint8Array(readFileSync(join(path, name))) : undefined;
    if (bytes === undefined || sha256(bytes) !== state.files[name]) throw damaged(path, name);
    return loadSafetensors(bytes);
  };
  const weights = await read('weights.safetensors');
  const average = await read('ema.safetensors');
  const { first, second } = await read('optimizer.safetensors');
  return {
    step: state.step,
    data: state.data,
    weights,
    optimizer: { count: state.optimizer.count, first: toFloat32(first!), second: toFloat32(second!) },
    ema: { updates: state.ema.updates, average: join1d(state.parameters.map((name) => toFloat32(average[name]!))) },
  };
}

/** The parameters' values by path, in definition order. */
export async function readParameters(parameters: readonly NamedParameter[]): Promise<StateDict> {
  const entries = parameters.map(async ({ name, variable }) => {
    const data = (await variable.data()) as Float32Array<ArrayBuffer>;
    return [name, { dtype: 'float32', shape: variable.shape, data }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

function parseState(path: string): StateFile {
  try {
    return JSON.parse(readFileSync(join(path, stateFile), 'utf8')) as StateFile;
  } catch {
    throw damaged(path, stateFile);
  }
}

function damaged(path: string, file: string): DiffusionError {
  const before = listCheckpoints(join(path, '..'))
    .filter((other) => other < path)
    .at(-1);
  const remedy = before === undefined ? 'There is no older one in this run.' : `Remove it to go on from \`${before}\`.`;
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

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function flushFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
