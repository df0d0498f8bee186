import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromConfig, type SchedulerConfig } from '@missing-u/schedulers';
import { download, encodeSafetensors, loadSafetensors, loadTorch, type StateDict } from '@missing-u/weights';
import type { SamplingScheduler } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';
import { makeNetwork, networkIdentity, type Network } from '../networks.ts';
import { makeFolder, writeAtomically } from '../runs/files.ts';
import { DiffusionPipeline } from './diffusion-pipeline.ts';

/** diffusers' names of the files of a pipeline's folder. */
const indexFile = 'model_index.json';
const schedulerFile = 'scheduler/scheduler_config.json';
const configFile = 'unet/config.json';
const weightsFile = 'unet/diffusion_pytorch_model.safetensors';
const legacyWeightsFile = 'unet/diffusion_pytorch_model.bin';

/** The release of diffusers whose layout is written. */
const DIFFUSERS_VERSION = '0.42.1';

/** A pipeline that owns its network; `dispose` frees the weights. */
export type LoadedPipeline = DiffusionPipeline & { unet: Network };

/**
 * Reads a pipeline from a folder in diffusers' layout, or from the Hugging Face hub (`hf://owner/name`): an unconditional
 * pipeline saved by Python's diffusers, or one of ours.
 *
 * @throws DiffusionError `DIFFUSION_NOT_A_PIPELINE`, `DIFFUSION_UNKNOWN_NETWORK`; SchedulerError for an unknown scheduler
 */
export async function loadPipeline(folder: string): Promise<LoadedPipeline> {
  const index = await readJson(folder, indexFile);
  const [, className] = (index['unet'] ?? []) as [string?, string?];
  if (className === undefined) {
    const message = `\`${folder}\` holds ${String(index['_class_name'])}, a pipeline without a \`unet\`. Only image pipelines of one U-Net can be read.`;
    throw new DiffusionError('DIFFUSION_NOT_A_PIPELINE', message);
  }
  const scheduler = fromConfig((await readJson(folder, schedulerFile)) as SchedulerConfig);
  const { _class_name, _diffusers_version, ...config } = await readJson(folder, configFile);
  const unet = makeNetwork(className, config);
  try {
    unet.loadStateDict(await readWeights(folder));
  } catch (error) {
    unet.dispose();
    throw error;
  }
  return new DiffusionPipeline({ unet, scheduler: scheduler as unknown as SamplingScheduler }) as LoadedPipeline;
}

/**
 * Writes a pipeline as a folder in diffusers' layout. One with a `UNet2DModel` runs in Python's diffusers; one with a cU-Net
 * names a class that Python does not have, and is refused there.
 *
 * @param dtype how the weights are stored
 */
export async function savePipeline(
  pipeline: DiffusionPipeline,
  folder: string,
  { dtype = 'float32' }: { dtype?: 'float32' | 'float16' | 'bfloat16' } = {},
): Promise<void> {
  const { unet, scheduler } = pipeline;
  const identity = networkIdentity(unet);
  const network = unet as Network;
  const { config } = scheduler as SamplingScheduler & { config: SchedulerConfig };
  const schedulerName = String(config['_class_name']);
  const className = schedulerName === 'DDIMScheduler' ? 'DDIMPipeline' : 'DDPMPipeline';
  const stored = Object.entries(network.stateDict()).map(([name, tensor]) => [name, { ...tensor, dtype }] as const);
  for (const part of ['scheduler', 'unet']) makeFolder(join(folder, part));
  writeAtomically(join(folder, weightsFile), encodeSafetensors(Object.fromEntries(stored)));
  writeJson(folder, configFile, { ...network.config, _class_name: identity[1], _diffusers_version: DIFFUSERS_VERSION });
  writeJson(folder, schedulerFile, config);
  // The index comes last: a folder without it is not taken for a pipeline.
  writeJson(folder, indexFile, {
    _class_name: className,
    _diffusers_version: DIFFUSERS_VERSION,
    scheduler: ['diffusers', schedulerName],
    unet: identity,
  });
}

async function readWeights(folder: string): Promise<StateDict> {
  try {
    return await loadSafetensors(await locate(folder, weightsFile));
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return loadTorch(await locate(folder, legacyWeightsFile));
  }
}

async function readJson(folder: string, file: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(await locate(folder, file), 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !isAbsent(cause)) throw cause;
    const reason = cause instanceof SyntaxError ? `\`${file}\` is not JSON` : `there is no \`${file}\` in it`;
    const message = `\`${folder}\` is not a pipeline's folder: ${reason}. Name a folder that save_pretrained or savePretrained wrote.`;
    throw new DiffusionError('DIFFUSION_NOT_A_PIPELINE', message, { cause });
  }
}

/** The path of a file of a folder, downloaded first where the folder is on the hub. */
async function locate(folder: string, file: string): Promise<string> {
  if (!/^(https?|hf):/.test(folder)) return join(folder, file);
  return (await download(`${folder.replace(/\/+$/, '')}/${file}`)).path!;
}

function isAbsent(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ENOENT' || code === 'WEIGHTS_NO_SUCH_FILE' || code === 'WEIGHTS_NOT_FOUND';
}

function writeJson(folder: string, file: string, content: object): void {
  writeAtomically(join(folder, file), `${JSON.stringify(content, null, 2)}\n`);
}
