import { extname, resolve } from 'node:path';
import { Command } from 'commander';
import { DiffusionError } from '../../errors.ts';
import { takesLabels } from '../../pipelines/image-shape.ts';
import { schedulerClass, schedulerNames } from '../../runs/registry.ts';
import { checkSteps, openModel, weightsHash } from '../../runs/open-model.ts';
import { integer, number, positiveInteger, share, withEngineFlags, type EngineFlags } from '../options.ts';
import { sampleFolder } from '../sample-folder.ts';
import { sampleGrid } from '../sample-grid.ts';
import { sampleOnnx } from '../sample-onnx.ts';
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
    .option('--label <class>', 'class of the images, for class-conditional networks', integer)
    .option('--guidance <scale>', 'how far the label pushes, 1 and more', number)
    .option('--size <pixels>', 'side of the images, for presets', positiveInteger, 32)
    .option('--channels <count>', 'channels of the images, for presets', positiveInteger, 3)
    .option('--out <path>', 'the picture of all, .png; or a folder (no ending) with a picture of each', 'samples.png')
    .option('--npz <file>', 'also the bytes: array `samples`, uint8 [count, height, width, channels]')
    .option('--no-compile', 'run each operation by itself, not the network as a graph (native engine)')
    .option('--json', 'print the result as JSON on standard output');
  return withEngineFlags(command)
    .addHelpText(
      'after',
      '\n`--engine onnx` runs the network in onnxruntime (npm install onnxruntime-node), without TensorFlow.js.\n\n' +
        'Examples:\n  missing-u sample --model cunet.onnx --engine onnx --steps 20 --out grid.png\n' +
        '  missing-u sample --model runs/first --scheduler ddim --steps 20 --count 16 --out grid.png\n' +
        '  missing-u sample --model runs/first --steps 50 --count 30000 --out samples\n' +
        '  missing-u sample --model google/ddpm-cifar10-32 --count 4\n\n' +
        'A folder can be filled by several processes at once: each picture is made by one of them.',
    )
    .action(sample);
}

async function sample({ model: name, json, checkpoint, ...flags }: Flags): Promise<void> {
  schedulerClass(flags.scheduler);
  if (flags.engine === 'onnx') {
    const out = resolve(flags.out);
    const npz = flags.npz === undefined ? {} : { npz: resolve(flags.npz) };
    const { seconds } = await sampleOnnx({ ...flags, ...npz, out, model: name });
    const { count: samples, scheduler, steps } = flags;
    const result = { out, ...npz, engine: 'onnx', samples, scheduler, steps, seconds };
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${flags.count} samples: ${out}\n`);
    return;
  }
  const engine = await startEngine(flags);
  const { network, imageShape, schedulerFor } = await openModel(name, {
    ...flags,
    ...(checkpoint !== undefined && { checkpoint }),
  });
  try {
    const { label, guidance, steps, scheduler: schedulerName } = flags;
    const scheduler = schedulerFor(schedulerName);
    checkSteps(steps, scheduler.config);
    if (label !== undefined && !takesLabels(network)) {
      const message = `--label is given, but \`${name}\` was not trained with labels: leave it out, or train with --class-conditioning.`;
      throw new DiffusionError('DIFFUSION_BAD_LABELS', message);
    }
    const out = resolve(flags.out);
    const npz = flags.npz === undefined ? {} : { npz: resolve(flags.npz) };
    const settings = { weights: weightsHash(network), scheduler: schedulerName };
    const condition = {
      ...(label !== undefined && { classLabels: label }),
      ...(guidance !== undefined && { guidanceScale: guidance }),
    };
    const { eta, seed, count, batch, compile } = flags;
    const sampling = {
      ...{ count, seed, network, imageShape, scheduler, settings, ...condition },
      ...(eta !== undefined && { eta }),
      ...(!compile && { compile }),
    };
    const { seconds } =
      extname(out) === '' && flags.npz === undefined
        ? await sampleFolder({ ...sampling, folder: out, numInferenceSteps: steps, chunkSize: batch })
        : await sampleGrid({ ...sampling, ...npz, steps, batch, out });
    const result = { out, ...npz, engine, samples: flags.count, scheduler: schedulerName, steps, seconds };
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${flags.count} samples: ${out}\n`);
  } finally {
    network.dispose();
  }
}
