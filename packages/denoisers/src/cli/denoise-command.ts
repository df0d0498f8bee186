import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { unknownName } from '@missing-u/errors';
import { loadWeights } from '@missing-u/weights';
import { DenoisersError } from '../errors.ts';
import type { ProfileName } from '../bm3d/profiles.ts';
import { bm3dDenoiser, type ImageDenoiser } from '../face.ts';
import { ConvAutoencoder } from '../nets/conv-autoencoder.ts';
import { DnCNN } from '../nets/dncnn.ts';
import { selfEnsemble } from '../self-ensemble.ts';
import { tiledDenoiser } from '../tiled.ts';
import { anyChannels } from './any-channels.ts';
import { denoiseFiles, type DenoisedFile } from './denoise-files.ts';

/** What the command needs of the program that it is part of. */
export interface DenoiseContext {
  /** Makes tensors work before the first one is made. */
  startEngine?: (flags: { engine?: string; threads?: number }) => Promise<unknown>;
  /** Loads the diffusion model of a folder with the common face; without it, folders are refused. */
  loadModel?: (folder: string) => Promise<ImageDenoiser>;
  /** The names under which `loadModel` knows models besides folders. */
  modelNames?: () => readonly string[];
  /** Where text goes; default the standard output. */
  print?: (text: string) => void;
}

interface Flags {
  method: string;
  weights?: string;
  profile?: ProfileName;
  selfEnsemble?: boolean;
  sigma?: number;
  reference?: string[];
  out: string;
  json?: boolean;
  engine?: string;
  threads?: number;
}

/** `missing-u denoise FILE... --method bm3d|dncnn|conv-ae|<model folder> --sigma 25 --out DIR`. */
export function denoiseCommand(context: DenoiseContext = {}): Command {
  const { startEngine, print = (text) => process.stdout.write(`${text}\n`) } = context;
  return new Command('denoise')
    .description('remove noise from pictures, and compare with clean ones where they are given')
    .argument('<file...>', 'noisy pictures')
    .option('--method <name>', 'bm3d, dncnn, conv-ae, or the folder of a diffusion model', 'bm3d')
    .option('--weights <file>', 'of dncnn and conv-ae: safetensors, .pth or npz')
    .option('--profile <name>', 'of bm3d: np or vn (default: by the noise)')
    .option('--self-ensemble', 'average over the eight turns and mirrorings of a picture')
    .option('--sigma <number>', 'standard deviation of the noise, for values of 0 to 255 (default: estimated)', level)
    .option('--reference <file...>', 'clean pictures, in the order of the noisy ones')
    .option('--out <folder>', 'where the pictures go', 'denoised')
    .option('--json', 'print JSON instead of a table')
    .option('--engine <name>', 'TensorFlow.js engine (default: the fastest)')
    .option('--threads <count>', 'threads of the engine', count)
    .action(async (files: string[], flags: Flags) => {
      const { reference: references, sigma, out } = flags;
      if (references !== undefined && references.length !== files.length) {
        const counts = `${files.length} noisy and ${references.length} clean pictures`;
        throw new DenoisersError('DENOISERS_BAD_OPTION', `There are ${counts}; give one --reference for each.`);
      }
      await startEngine?.(flags);
      const plain = await denoiserOf(flags, context);
      const denoiser = flags.selfEnsemble === true ? selfEnsemble(plain) : plain;
      const done: DenoisedFile[] = [];
      const options = { out, ...(sigma !== undefined && { sigma }), ...(references && { references }) };
      for await (const result of denoiseFiles(files, denoiser, options)) {
        done.push(result);
        if (flags.json !== true) print(line(result));
      }
      if (flags.json === true) print(JSON.stringify({ method: flags.method, images: done }, null, 2));
    });
}

async function denoiserOf(flags: Flags, { loadModel, modelNames }: DenoiseContext): Promise<ImageDenoiser> {
  const { method, weights, profile } = flags;
  if (method === 'bm3d') {
    if (weights === undefined) return bm3dDenoiser(profile && { profile });
    throw new DenoisersError('DENOISERS_BAD_OPTION', '--weights belongs to dncnn and conv-ae, not to bm3d.');
  }
  if (profile !== undefined) {
    throw new DenoisersError('DENOISERS_BAD_OPTION', `--profile belongs to bm3d, not to ${method}.`);
  }
  if (method === 'dncnn') {
    const model = await DnCNN.fromPretrained(needed(weights, method));
    return anyChannels(tiledDenoiser(model), model.channels);
  }
  if (method === 'conv-ae') {
    const dict = await loadWeights(needed(weights, method));
    const model = new ConvAutoencoder({ channels: dict['encoder.0.weight']?.shape[1] ?? 3 });
    model.loadStateDict(dict);
    return anyChannels(tiledDenoiser(model, { multiple: 16 }), model.channels);
  }
  const models = modelNames?.() ?? [];
  if (loadModel !== undefined && (existsSync(method) || models.includes(method))) return loadModel(method);
  const folders = loadModel === undefined ? [] : [...models, 'the folder of a diffusion model'];
  const known = ['bm3d', 'dncnn', 'conv-ae', ...folders];
  throw new DenoisersError('DENOISERS_UNKNOWN_METHOD', unknownName('--method', method, known));
}

function needed(weights: string | undefined, method: string): string {
  if (weights !== undefined) return weights;
  throw new DenoisersError('DENOISERS_BAD_OPTION', `${method} needs --weights, the file of a trained network.`);
}

function count(text: string): number {
  const value = Number(text);
  if (!(Number.isSafeInteger(value) && value >= 1))
    throw new InvalidArgumentError('It has to be an integer of 1 or more.');
  return value;
}

function level(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!(value >= 0 && value <= 255)) throw new InvalidArgumentError('It has to be a number of 0 to 255.');
  return value;
}

function line({ file, output, sigma, seconds, psnr, ssim }: DenoisedFile): string {
  const parts = [`${file} -> ${output}`, `sigma ${sigma.toFixed(1)}`, `${seconds.toFixed(2)} s`];
  if (psnr !== undefined) parts.push(`PSNR ${psnr.before.toFixed(2)} -> ${psnr.after.toFixed(2)} dB`);
  if (ssim !== undefined) parts.push(`SSIM ${ssim.before.toFixed(4)} -> ${ssim.after.toFixed(4)}`);
  return parts.join('  ');
}
