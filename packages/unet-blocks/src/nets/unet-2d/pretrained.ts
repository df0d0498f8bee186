import type fs from 'node:fs/promises';
import { download, loadSafetensors, loadTorch, saveSafetensors, type DType, type StateDict } from '@missing-u/weights';
import { invalidArgument } from '@missing-u/errors';
import { checkOptionNames, checkOptionsObject } from '../../checks.ts';
import { UNetError } from '../../errors.ts';
import { sortConfig, type UNet2DConfig } from './config.ts';

const configFile = 'config.json';
const weightsFile = 'diffusion_pytorch_model.safetensors';
/** The files that `saveFolder` writes the weights to: one, or shards and their index. */
const ownWeights = /^diffusion_pytorch_model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/;

export interface SaveOptions {
  /** How the numbers are stored; default `float32`. */
  dtype?: Extract<DType, 'float32' | 'float16' | 'bfloat16'>;
  /** Beyond this many bytes the weights are split, as diffusers does. */
  maxShardBytes?: number;
}

export interface PretrainedOptions {
  /** Of several sets of weights in one folder, for example `'fp16'` for `diffusion_pytorch_model.fp16.safetensors`. */
  variant?: string;
}

/** Throws `UNET_OPTION` for options of reading that are not known. */
export function checkPretrainedOptions(options: PretrainedOptions): void {
  checkOptionsObject('options', options);
  checkOptionNames(options, ['variant']);
  const { variant }: { variant?: unknown } = options;
  if (variant === undefined || (typeof variant === 'string' && /^[\w-]+$/.test(variant))) return;
  const bad = { argument: 'variant', value: variant, allowed: "part of a file's name, for example 'fp16'" };
  throw new UNetError('UNET_OPTION', invalidArgument(bad));
}

/**
 * Reads `config.json` of a folder: a path, or a `file:`, `http(s):` or `hf://owner/name` address. As in Python, keys that other
 * releases of diffusers may have written are left out, with a warning.
 */
export async function loadConfig(folder: string | URL): Promise<UNet2DConfig> {
  const address = `${baseOf(folder)}/${configFile}`;
  const { known, unknown } = sortConfig(parseConfig(await readText(address), address));
  if (unknown.length > 0) {
    console.warn(`UNet2DModel knows no config key ${unknown.join(', ')}: left out of what '${address}' says.`);
  }
  return known;
}

/** Writes `config.json` and the weights beside it, in place of those that were there. */
export async function saveFolder(
  folder: string,
  config: UNet2DConfig,
  stateDict: StateDict,
  { dtype = 'float32', maxShardBytes }: SaveOptions,
): Promise<void> {
  const files = fileSystem(folder);
  await files.mkdir(folder, { recursive: true });
  await files.writeFile(`${folder}/${configFile}`, `${JSON.stringify(config, undefined, 2)}\n`);
  const typed = Object.fromEntries(Object.entries(stateDict).map(([name, tensor]) => [name, { ...tensor, dtype }]));
  const path = `${folder}/${weightsFile}`;
  const written = await saveSafetensors(typed, path, maxShardBytes === undefined ? {} : { maxShardBytes });
  // What an earlier save left under other names would be taken for this model's weights, an index first of all.
  const names = written.map((file) => file.slice(folder.length + 1));
  const earlier = (await files.readdir(folder)).filter((name) => ownWeights.test(name) && !names.includes(name));
  for (const name of earlier) await files.rm(`${folder}/${name}`);
}

/** Reads the weights of a folder, from the first of diffusers' usual files that is there. */
export async function loadFolderWeights(folder: string | URL, { variant }: PretrainedOptions = {}): Promise<StateDict> {
  const base = baseOf(folder);
  const errors: unknown[] = [];
  const names = weightsFiles(isRemote(base)).map((name) => variantOf(name, variant));
  for (const name of names) {
    try {
      const source = fromUrl(`${base}/${name}`);
      return await (name.includes('.bin') ? loadTorch(source) : loadSafetensors(source));
    } catch (error) {
      if (!isAbsence(error)) throw error;
      errors.push(error);
    }
  }
  const message = `'${base}' holds no weights; looked for ${names.join(', ')}.`;
  throw new UNetError('UNET_NO_PRETRAINED', message, { cause: errors[0] });
}

/**
 * Where the weights may be, safetensors before pickles. As in diffusers, an index comes before a whole file, which may be left
 * of an earlier save; but not at an address, where asking for what is seldom there takes a request each time, and a network.
 */
function weightsFiles(remote: boolean): string[] {
  return ['safetensors', 'bin'].flatMap((format) => {
    const whole = `diffusion_pytorch_model.${format}`;
    const index = `${whole}.index.json`;
    return remote ? [whole, index] : [index, whole];
  });
}

/** diffusers puts the name of a variant before the last dot. */
function variantOf(name: string, variant: string | undefined): string {
  return variant === undefined ? name : name.replace(/\.\w+$/, `.${variant}$&`);
}

function isRemote(address: string): boolean {
  return /^(https?|hf):/.test(address);
}

/** The folder without a slash at its end. */
function baseOf(folder: string | URL): string {
  return String(folder).replace(/\/+$/, '');
}

/** Whether a file is not there, which is no reason to give up before the other names were tried. */
function isAbsence(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'WEIGHTS_NOT_FOUND' || code === 'WEIGHTS_NO_SUCH_FILE';
}

async function readText(address: string): Promise<string> {
  if (isRemote(address)) {
    const file = await download(address);
    if (file.blob !== undefined) return file.blob.text();
    return fileSystem(address).readFile(file.path!, 'utf8');
  }
  try {
    return await fileSystem(address).readFile(fromUrl(address), 'utf8');
  } catch (cause) {
    if (cause instanceof UNetError) throw cause;
    const message = `Cannot read '${address}': ${(cause as Error).message}. Pass a folder that diffusers' save_pretrained wrote.`;
    throw new UNetError('UNET_NO_PRETRAINED', message, { cause });
  }
}

function parseConfig(text: string, address: string): UNet2DConfig {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (cause) {
    throw new UNetError('UNET_BAD_CONFIG', `'${address}' is not JSON: ${(cause as Error).message}.`, { cause });
  }
  const name = (config as { _class_name?: unknown } | null)?._class_name;
  if (typeof config !== 'object' || config === null || (name !== undefined && name !== 'UNet2DModel')) {
    throw new UNetError('UNET_BAD_CONFIG', `'${address}' describes ${String(name)}, but has to describe UNet2DModel.`);
  }
  return config as UNet2DConfig;
}

/** A `file:` address as a URL, anything else as it is. */
function fromUrl(address: string): string | URL {
  return address.startsWith('file:') ? new URL(address) : address;
}

/** Node's file functions, asked for at run time so that bundles for browsers hold nothing of Node. */
function fileSystem(address: string): typeof fs {
  const found = globalThis.process?.getBuiltinModule?.('node:fs/promises');
  if (found === undefined) {
    throw new UNetError(
      'UNET_NO_FILES',
      `There is no file system here to use '${address}'; pass an http(s) or hf address.`,
    );
  }
  return found;
}
