import { existsSync, rmSync } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgument } from '@missing-u/errors';
import { fromConfig, parseConfig, stringifyConfig, type SchedulerConfig } from '@missing-u/schedulers';
import { download, encodeSafetensors, loadSafetensors, loadTorch, type StateDict } from '@missing-u/weights';
import { checkNames } from '../check-names.ts';
import type { SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { describeNetwork, makeNetwork, type Network } from '../networks.ts';
import { makeFolder, writeAtomically } from '../runs/files.ts';
import { DDIMPipeline } from './ddim-pipeline.ts';
import { DDPMPipeline } from './ddpm-pipeline.ts';
import { DiffusionPipeline, type PipelineParts } from './diffusion-pipeline.ts';
import { publishedFolder } from './package-folder.ts';

/** diffusers' names of the files of a pipeline's folder. */
const indexFile = 'model_index.json';
const schedulerFile = 'scheduler/scheduler_config.json';
const configFile = 'config.json';
const weightsFile = 'diffusion_pytorch_model.safetensors';
const weightsIndex = `${weightsFile}.index.json`;
const weightsFiles = [weightsIndex, weightsFile, 'diffusion_pytorch_model.bin'];

export interface PretrainedOptions {
  /** Of several sets of weights in one folder, for example `'fp16'` for `diffusion_pytorch_model.fp16.safetensors`. */
  variant?: string;
}

/** The release of diffusers whose layout is written. */
const DIFFUSERS_VERSION = '0.42.1';

/** A pipeline that owns its network; `pipeline.unet.dispose()` frees the weights. */
export type LoadedPipeline<P extends DiffusionPipeline = DiffusionPipeline> = P & { unet: Network };

type PipelineClass = new (parts: PipelineParts) => DiffusionPipeline;

/** The classes of pipelines, by diffusers' names; a folder of any other class with one U-Net is a `DiffusionPipeline`. */
const pipelines: Readonly<Record<string, PipelineClass>> = { DDPMPipeline, DDIMPipeline };

/**
 * Reads a pipeline from a folder in diffusers' layout, or from the Hugging Face hub (`owner/name`): an unconditional pipeline
 * saved by Python's diffusers, or one of ours; also one of this project's trained models (`mnist-cunet`), or a folder of
 * another npm package (`@scope/package/folder`).
 *
 * @param wanted class of the pipeline; the base class stands for the one that the folder names
 * @throws DiffusionError `DIFFUSION_UNKNOWN_OPTION`, `DIFFUSION_BAD_CONFIG`, `DIFFUSION_NOT_A_PIPELINE`, `DIFFUSION_NOT_INSTALLED`,
 *   `DIFFUSION_UNKNOWN_NETWORK`; SchedulerError for an unknown scheduler
 */
export async function loadPipeline(
  name: string,
  wanted: unknown = DiffusionPipeline,
  options: PretrainedOptions = {},
): Promise<LoadedPipeline> {
  checkOptions(options);
  const folder = addressOf(name);
  const index = await readJson(folder, indexFile);
  const [, className] = (index['unet'] ?? []) as [string?, string?];
  if (className === undefined) {
    const message = `\`${folder}\` holds ${String(index['_class_name'])}, a pipeline without a \`unet\`. Only image pipelines of one U-Net can be read.`;
    throw new DiffusionError('DIFFUSION_NOT_A_PIPELINE', message);
  }
  const scheduler = fromConfig((await readJson(folder, schedulerFile)) as SchedulerConfig);
  const unet = await loadNetwork(`${folder}/unet`, { className, ...options });
  try {
    const Pipeline =
      wanted === DiffusionPipeline
        ? (pipelines[String(index['_class_name'])] ?? DiffusionPipeline)
        : (wanted as PipelineClass);
    return new Pipeline({ unet, scheduler: scheduler as unknown as SamplingScheduler }) as LoadedPipeline;
  } catch (error) {
    unet.dispose();
    throw error;
  }
}

/**
 * Reads a network from a folder with `config.json` and weights, as diffusers' and our own `savePretrained` of a model write it.
 *
 * @param options.className instead of the one that `config.json` names
 * @param options.variant of the weights, where the folder has several
 * @param options.weights false for a network without values, whose weights are not read
 * @throws DiffusionError `DIFFUSION_NOT_A_PIPELINE`, `DIFFUSION_UNKNOWN_NETWORK`
 */
export async function loadNetwork(
  folder: string,
  { className, variant, weights = true }: PretrainedOptions & { className?: string; weights?: boolean } = {},
): Promise<Network> {
  const { _class_name: own, _diffusers_version, ...config } = await readJson(folder, configFile);
  const network = makeNetwork(className ?? String(own), config);
  try {
    if (weights) network.loadStateDict(await readWeights(folder, variant));
    return network;
  } catch (error) {
    network.dispose();
    throw error;
  }
}

/**
 * Writes a pipeline as a folder in diffusers' layout. One whose network diffusers has (`UNet2DModel`, Ho's `UNet`) runs in
 * Python; one with another network, as a cU-Net, names a class that Python does not have, and is refused there.
 *
 * @param dtype how the weights are stored
 */
export async function savePipeline(
  pipeline: DiffusionPipeline,
  folder: string,
  { dtype = 'float32' }: { dtype?: 'float32' | 'float16' | 'bfloat16' } = {},
): Promise<void> {
  const { unet, scheduler } = pipeline;
  const { library, className, config: networkConfig } = describeNetwork(unet);
  const { config } = scheduler as SamplingScheduler & { config: SchedulerConfig };
  const schedulerName = String(config['_class_name']);
  const pipelineName = schedulerName === 'DDIMScheduler' ? 'DDIMPipeline' : 'DDPMPipeline';
  const weights = (unet as Network).stateDict();
  const stored = Object.entries(weights).map(([name, tensor]) => [name, { ...tensor, dtype }] as const);
  for (const part of ['scheduler', 'unet']) makeFolder(join(folder, part));
  writeAtomically(join(folder, 'unet', weightsFile), encodeSafetensors(Object.fromEntries(stored)));
  // An index that an earlier save left would be read instead, here and in Python.
  rmSync(join(folder, 'unet', weightsIndex), { force: true });
  writeJson(join(folder, 'unet'), configFile, {
    ...networkConfig,
    _class_name: className,
    _diffusers_version: DIFFUSERS_VERSION,
  });
  writeJson(folder, schedulerFile, config);
  // The index comes last: a folder without it is not taken for a pipeline.
  writeJson(folder, indexFile, {
    _class_name: pipelineName,
    _diffusers_version: DIFFUSERS_VERSION,
    scheduler: ['diffusers', schedulerName],
    unet: [library, className],
  });
}

/**
 * The weights, from the first of diffusers' usual files that is there. An index comes before a whole file, as in Python; but
 * not on the hub, where asking for what is seldom there takes a request, and a network, each time.
 */
async function readWeights(folder: string, variant?: string): Promise<StateDict> {
  let absent: unknown;
  const names = isAddress(folder)
    ? [weightsFile, ...weightsFiles.filter((file) => file !== weightsFile)]
    : weightsFiles;
  // diffusers puts the name of a variant before the last dot.
  const files = names.map((name) => (variant === undefined ? name : name.replace(/\.\w+$/, `.${variant}$&`)));
  for (const file of files) {
    let path: string;
    try {
      path = await locate(folder, file);
      await access(path);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      absent = error;
      continue;
    }
    // Parts named by an index lie beside it, on the hub too.
    const source = file.endsWith('.index.json') && isAddress(folder) ? `${folder}/${file}` : path;
    return file.endsWith('.bin') ? loadTorch(source) : loadSafetensors(source);
  }
  const message = `\`${folder}\` holds no weights; looked for ${files.join(', ')}.`;
  throw new DiffusionError('DIFFUSION_NOT_A_PIPELINE', message, { cause: absent });
}

function checkOptions(options: PretrainedOptions): void {
  checkNames(options, { variant: true });
  const { variant }: { variant?: unknown } = options;
  if (variant === undefined || (typeof variant === 'string' && /^[\w-]+$/.test(variant))) return;
  const allowed = "part of a file's name, for example 'fp16'";
  const message = invalidArgument({ argument: 'variant', value: variant, allowed });
  throw new DiffusionError('DIFFUSION_BAD_CONFIG', message);
}

/** The folder of a published model, and the address of one on the hub, `owner/name`, unless there is a folder of that name. */
function addressOf(name: string): string {
  const published = publishedFolder(name);
  if (published !== name) return published;
  const isHubName = /^[\w.-]+\/[\w.-]+$/.test(name) && !name.startsWith('.') && !existsSync(name);
  return isHubName ? `hf://${name}` : name.replace(/\/+$/, '');
}

function isAddress(folder: string): boolean {
  return /^(https?|hf):/.test(folder);
}

async function readJson(folder: string, file: string): Promise<Record<string, unknown>> {
  try {
    return parseConfig(await readFile(await locate(folder, file), 'utf8'));
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !isAbsent(cause)) throw cause;
    const reason = cause instanceof SyntaxError ? `\`${file}\` is not JSON` : `there is no \`${file}\` in it`;
    const message = `\`${folder}\` is not the folder of a pipeline or network: ${reason}. Name a folder that save_pretrained or savePretrained wrote.`;
    throw new DiffusionError('DIFFUSION_NOT_A_PIPELINE', message, { cause });
  }
}

/** The path of a file of a folder, downloaded first where the folder is on the hub. */
async function locate(folder: string, file: string): Promise<string> {
  if (!isAddress(folder)) return join(folder, file);
  return (await download(`${folder}/${file}`)).path!;
}

function isAbsent(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'WEIGHTS_NO_SUCH_FILE' || code === 'WEIGHTS_NOT_FOUND';
}

function writeJson(folder: string, file: string, content: object): void {
  writeAtomically(join(folder, file), `${stringifyConfig(content, 2)}\n`);
}
