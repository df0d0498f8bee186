import { resolve } from 'node:path';
import { Command } from 'commander';
import { loadRun } from '../../runs/load-run.ts';
import { schedulerNames } from '../../runs/registry.ts';
import { integer, number, withEngineFlags, type EngineFlags } from '../options.ts';
import { sampleGrid } from '../sample-grid.ts';
import { sampleOnnx } from '../sample-onnx.ts';
import { startEngine } from '../start-engine.ts';

interface Flags extends EngineFlags {
  model: string;
  scheduler: string;
  steps: number;
  count: number;
  batch: number;
  seed: number;
  eta?: number;
  out: string;
  npz?: string;
  json?: boolean;
}

export function sampleCommand(): Command {
  const command = new Command('sample')
    .description('draw images from a trained model and write them as one picture')
    .requiredOption('--model <run>', 'folder of a training run; with --engine onnx also a pipeline or an .onnx file')
    .option('--scheduler <name>', schedulerNames.join(', '), 'ddim')
    .option('--steps <count>', 'denoising steps', integer, 50)
    .option('--count <count>', 'images', integer, 64)
    .option('--batch <count>', 'images computed together', integer, 64)
    .option('--seed <number>', 'of the noise; each image has its own stream', integer, 0)
    .option('--eta <share>', 'fresh noise in DDIM steps, 0 to 1', number)
    .option('--out <file>', 'the picture', 'samples.png')
    .option('--npz <file>', 'also the bytes: array `samples`, uint8 [count, height, width, channels]')
    .option('--json', 'print the result as JSON on standard output');
  return withEngineFlags(command)
    .addHelpText(
      'after',
      '\n`--engine onnx` runs the network in onnxruntime (npm install onnxruntime-node), without TensorFlow.js.\n\n' +
        'Examples:\n  missing-u sample --model runs/first --scheduler ddim --steps 20 --count 16 --out grid.png\n' +
        '  missing-u sample --model cunet.onnx --engine onnx --steps 20 --out grid.png',
    )
    .action(sample);
}

async function sample({ model: folder, json, ...flags }: Flags): Promise<void> {
  if (flags.engine === 'onnx') {
    const out = resolve(flags.out);
    const npz = flags.npz === undefined ? {} : { npz: resolve(flags.npz) };
    const { seconds } = await sampleOnnx({ ...flags, ...npz, out, model: folder });
    const { count: samples, scheduler, steps } = flags;
    const result = { out, ...npz, engine: 'onnx', samples, scheduler, steps, seconds };
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${flags.count} samples: ${out}\n`);
    return;
  }
  const engine = await startEngine(flags);
  const { config, model } = await loadRun(folder);
  try {
    const out = resolve(flags.out);
    const npz = flags.npz === undefined ? {} : { npz: resolve(flags.npz) };
    const { seconds } = await sampleGrid({ ...flags, ...npz, out, config, model });
    const result = {
      out,
      ...npz,
      engine,
      samples: flags.count,
      scheduler: flags.scheduler,
      steps: flags.steps,
      seconds,
    };
    process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${flags.count} samples: ${out}\n`);
  } finally {
    model.dispose();
  }
}
