import type fs from 'node:fs/promises';
import { download, loadSafetensors, loadTorch, saveSafetensors, type DType, type StateDict } from '@missing-u/weights';
import { UNetError } from '../../errors.ts';
import type { UNet2DConfig } from './config.ts';

const configFile = 'config.json';
const weightsFile = 'diffusion_pytorch_model.safetensors';
const weightsFiles = [weightsFile, `${weightsFile}.index.json`, 'diffusion_pytorch_model.bin'] as const;

export interface SaveOptions {
  /** How the numbers are stored; default `float32`. */
  dtype?: Extract<DType, 'float32' | 'float16' | 'bfloat16'>;
  /** Beyond this many bytes the weights are split, as diffusers does. */
  maxShardBytes?: number;
}

/** Reads `config.json` of a folder: a path, or a `file:`, `http(s):` or `hf://owner/name` address. */
export async function loadConfig(folder: string | URL): Promise<UNet2DConfig> {
  const address = `${baseOf(folder)}/${configFile}`;
  return parseConfig(await readText(address), address);
}

/** Writes `config.json` and the weights beside it. */
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
  await saveSafetensors(typed, `${folder}/${weightsFile}`, maxShardBytes === undefined ? {} : { maxShardBytes });
}

/** Reads the weights of a folder, from the first of the usual files that is there. */
export async function loadFolderWeights(folder: string | URL): Promise<StateDict> {
  const base = baseOf(folder);
  const errors: unknown[] = [];
  for (const name of weightsFiles) {
    try {
      const source = fromUrl(`${base}/${name}`);
      return await (name.endsWith('.bin') ? loadTorch(source) : loadSafetensors(source));
    } catch (error) {
      if (!isAbsence(error)) throw error;
      errors.push(error);
    }
  }
  const message = `'${base}' holds no weights; looked for ${weightsFiles.join(', ')}.`;
  throw new UNetError('UNET_NO_PRETRAINED', message, { cause: errors[0] });
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
  if (/^(https?|hf):/.test(address)) {
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
