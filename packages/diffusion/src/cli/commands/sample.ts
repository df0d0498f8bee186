import { extname, resolve } from 'node:path';
import { invalidArgument } from '@missing-u/errors';
import { Command } from 'commander';
import { DiffusionError } from '../../errors.ts';
import { checkSteps, openModel, weightsHash, type OpenOptions } from '../../runs/open-model.ts';
import { schedulerClass, schedulerNames } from '../../runs/registry.ts';
import { labelOptions } from '../labels.ts';
import { openOnnx, type SampledModel } from '../open-onnx.ts';
import { integer, number, positiveInteger, share, withEngineFlags, type EngineFlags } from '../options.ts';
import { sampleFolder } from '../sample-folder.ts';
import { sampleGrid } from '../sample-grid.ts';
import { startEngine } from '../start-engine.ts';

interface Flags extends EngineFlags {
  model: string;
  checkpoint?: string;
  scheduler: string;
  steps: number;
  count: number;
  batch: number;
  seed: number;
  eta?: number;
  label?: number;
  guidance?: number;
  size: number;
  channels: number;
  out: string;
  npz?: string;
  compile: boolean;
  json?: boolean;
}

export function sampleCommand(): Command {
  const command = new Command('sample')
    .description('draw images from a model and write them as one picture; an interrupted one goes on')
    .requiredOption(
      '--model <run>',
      'folder of a training run or a pipeline, a hub name, a preset; with --engine onnx also an .onnx file',
    )
    .option('--checkpoint <name>', 'of a run: latest, best, or a step (default: latest)')
    .option('--scheduler <name>', schedulerNames.join(', '), 'ddim')
    .option('--steps <count>', 'denoising steps', positiveInteger, 50)
    .option('--count <count>', 'images', positiveInteger, 64)
    .option('--batch <count>', 'images computed together, at most', positiveInteger, 64)
    .option('--seed <number>', 'of the noise; each image has its own stream', integer, 0)
    .option('--eta <share>', 'fresh noise in DDIM steps, 0 to 1', share)
    .option('--label <class>', 'class of the images, for class-conditional networks (default: any class)', integer)
    .option('--guidance <scale>', 'how far the label pushes, 1 and more', number)
    .option('--size <pixels>', 'side of the images, for presets and models of any size', positiveInteger, 32)
    .option(
      '--channels <count>',
      'channels of the images, for presets and .onnx files that do not tell',
      positiveInteger,
      3,
    )
    .option('--out <path>', 'the picture of all, .png; or a folder (no ending) with a picture of each', 'samples.png')
    .option('--npz <file>', 'also the bytes: array `samples`, uint8 [count, height, width, channels]')
    .option('--no-compile', 'run each operation by itself, not the network as a graph (native engine)')
    .option('--json', 'print the result as JSON on standard output');
  return withEngineFlags(command)
    .addHelpText(
      'after',
      '\n`--engine onnx` runs the network in onnxruntime (npm install onnxruntime-node), not in TensorFlow.js.\n\n' +
        'Examples:\n  missing-u sample --model cunet.onnx --engine onnx --steps 20 --out grid.png\n' +
        '  missing-u sample --model runs/first --scheduler ddim --steps 20 --count 16 --out grid.png\n' +
        '  missing-u sample --model runs/first --steps 50 --count 30000 --out samples\n' +
        '  missing-u sample --model google/ddpm-cifar10-32 --count 4\n\n' +
        'A folder can be filled by several processes at once: each picture is made by one of them.',
    )
    .action(sample);
}

async function sample({ model: name, json, checkpoint, ...flags }: Flags): Promise<void> {
  const { steps, scheduler: schedulerName, eta, seed, count, batch, compile } = flags;
  schedulerClass(schedulerName);
  checkPicture(flags.out);
  const { engine, model } = await open(name, { ...flags, ...(checkpoint !== undefined && { checkpoint }) });
  try {
    const { network, imageShape, weights } = model;
    const scheduler = model.schedulerFor(schedulerName);
    checkSteps(steps, scheduler.config);
    const condition = labelOptions(network, name, flags);
    const out = resolve(flags.out);
    const npz = flags.npz === undefined ? {} : { npz: resolve(flags.npz) };
    const sampling = {
      ...{ count, seed, network, imageShape, scheduler, settings: { weights, scheduler: schedulerName }, ...condition },
      ...(eta !== undefined && { eta }),
      ...(!compile && { compile }),
    };
    const { seconds } =
      extname(out) === '' && flags.npz === undefined
        ? await sampleFolder({ ...sampling, folder: out, numInferenceSteps: steps, chunkSize: batch })
        : await sampleGrid({ ...sampling, ...npz, steps, batch, out });
    const result = { out, ...npz, engine, samples: count, scheduler: schedulerName, steps, seconds };
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${count} samples: ${out}\n`);
  } finally {
    await model.dispose();
  }
}

/** Pictures are written as PNG alone, which another ending would hide. */
function checkPicture(out: string): void {
  if (['', '.png'].includes(extname(out).toLowerCase())) return;
  const allowed = 'a file that ends in .png, or a folder, whose name has no ending';
  throw new DiffusionError('DIFFUSION_BAD_OUTPUT', invalidArgument({ argument: '--out', value: out, allowed }));
}

/** Starts what the flags ask to compute with, and opens the model for it. */
async function open(name: string, flags: EngineFlags & OpenOptions): Promise<{ engine: string; model: SampledModel }> {
  if (flags.engine === 'onnx') return { engine: 'onnx', model: await openOnnx(name, flags) };
  const engine = await startEngine(flags);
  const { network, ...opened } = await openModel(name, flags);
  const dispose = () => network.dispose();
  return { engine, model: { ...opened, network, weights: weightsHash(network), dispose } };
}
