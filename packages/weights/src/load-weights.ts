import { invalidArgument } from '@missing-u/errors';
import type { DownloadOptions } from './download/download.ts';
import { WeightsError } from './errors.ts';
import { loadNpz } from './npz/npz.ts';
import { beginsAsSafetensors } from './safetensors/header.ts';
import { isShardIndex, loadShards } from './safetensors/shards.ts';
import { loadSafetensors } from './safetensors/read.ts';
import { EMPTY, withSource, type Source } from './source.ts';
import type { StateDict } from './state-dict.ts';
import { loadTfjs } from './tfjs/load.ts';
import { loadTorch } from './torch/load.ts';
import { isZip, openZip } from './zip/read.ts';

export interface LoadOptions extends DownloadOptions {
  /** For PyTorch files: where in the file the state dict is, for example `'state_dict'`. */
  at?: string;
}

/**
 * Reads weights in whatever format they are: safetensors (also sharded), PyTorch, npz or a TensorFlow.js `model.json`.
 *
 * @throws WeightsError `WEIGHTS_UNKNOWN_FORMAT` for anything else, `WEIGHTS_TRUNCATED` for what is empty, and those of the format
 */
export async function loadWeights(source: Source, options: LoadOptions = {}): Promise<StateDict> {
  if (isShardIndex(source)) return loadShards(source, loadWeights, options);
  const format = await withSource(source, options, async (bytes) => {
    if (bytes.size === 0)
      throw new WeightsError('WEIGHTS_TRUNCATED', `There are no weights in ${bytes.name}: ${EMPTY}.`);
    if (await isZip(bytes)) {
      const { names } = await openZip(bytes);
      return names.some((name) => name.endsWith('data.pkl')) ? 'torch' : 'npz';
    }
    const head = await bytes.read(0, Math.min(16, bytes.size));
    // First, as the length that such a file begins with may begin with any byte.
    if (beginsAsSafetensors(head)) return 'safetensors';
    if (head[0] === 0x80) return 'torch'; // a pickle's first operation, of protocol 2 and later
    return head[0] === 0x7b ? 'tfjs' : undefined;
  });
  if (format === 'torch') return loadTorch(source, options);
  if (format === 'npz') return loadNpz(source, options);
  if (format === 'safetensors') return loadSafetensors(source, options);
  if (format === 'tfjs' && (typeof source === 'string' || source instanceof URL)) return loadTfjs(source, options);
  throw new WeightsError(
    'WEIGHTS_UNKNOWN_FORMAT',
    'The source is neither safetensors, PyTorch, npz nor a TensorFlow.js model.json at a path or address.',
  );
}

/** What takes up a state dict: the modules of `@missing-u/unet-blocks`, and anything else with this method. */
export interface Loadable<Report, Options> {
  loadStateDict(dict: StateDict, options?: Options): Report;
}

/**
 * Gives a module its weights, from a state dict or from wherever `loadWeights` reads, and returns the module's report.
 * What the module itself understands (`strict`) is passed on to it.
 *
 * @throws WeightsError `WEIGHTS_BAD_MODULE`, and those of `loadWeights`
 */
export async function loadStateDict<Report, Options extends object>(
  module: Loadable<Report, Options>,
  from: StateDict | Source,
  options: LoadOptions & Options = {} as LoadOptions & Options,
): Promise<Report> {
  if (typeof (module as Partial<typeof module> | null | undefined)?.loadStateDict !== 'function') {
    const bad = { argument: 'module', value: module, allowed: 'a module, which has a method loadStateDict' };
    const remedy = 'give the module first, then where its weights are';
    throw new WeightsError('WEIGHTS_BAD_MODULE', invalidArgument({ ...bad, remedy }));
  }
  return module.loadStateDict(isStateDict(from) ? from : await loadWeights(from, options), options);
}

function isStateDict(from: StateDict | Source): from is StateDict {
  if (typeof from !== 'object' || ArrayBuffer.isView(from)) return false;
  const proto: unknown = Object.getPrototypeOf(from);
  if (proto !== null && proto !== Object.prototype) return false;
  return Object.values(from).every((value: unknown) => typeof value === 'object' && value !== null && 'dtype' in value);
}
