import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { unknownName } from '@missing-u/errors';
import { saveOnnx } from '@missing-u/onnx';
import type { Denoiser } from '@missing-u/unet-blocks';
import { toLayersModel } from '@missing-u/unet-blocks/layers';
import { encodeSafetensors } from '@missing-u/weights';
import * as tf from '@tensorflow/tfjs-core';
import { Command } from 'commander';
import { DiffusionError } from '../../errors.ts';
import { DiffusionPipeline } from '../../pipelines/diffusion-pipeline.ts';
import { exportConditions } from '../../pipelines/labels.ts';
import { checkWritable, makeFolder, writeAtomically } from '../../runs/files.ts';
import { schedulerNames } from '../../runs/registry.ts';
import { openModel, type OpenedModel } from '../../runs/open-model.ts';
import { positiveInteger, withEngineFlags, type EngineFlags } from '../options.ts';
import { startEngine } from '../start-engine.ts';

interface Flags extends EngineFlags {
  model: string;
  format: string;
  out: string;
  scheduler?: string;
  batch: number | 'dynamic';
  float16?: boolean;
  json?: boolean;
}

/** Writes a model in a format and returns the paths of what it wrote; a new format is one line. */
const formats: Readonly<Record<string, (model: OpenedModel, out: string, flags: Flags) => Promise<string[]>>> = {
  onnx: (
    { network, imageShape: [height, width, channels], schedulerFor },
    out,
    { batch, float16, scheduler: name },
  ) => {
    const scheduler = schedulerFor(name);
    checkWritable(out);
    const weights = float16 === true ? 'float16' : 'float32';
    const conditions = exportConditions(network);
    return saveOnnx(network, out, { imageSize: [height, width], channels, batch, weights, scheduler, conditions });
  },
  safetensors: async ({ network }, out, { float16 }) => {
    checkWritable(out);
    const dtype = float16 === true ? 'float16' : 'float32';
    const stored = Object.entries(network.stateDict()).map(([name, tensor]) => [name, { ...tensor, dtype }] as const);
    writeAtomically(out, encodeSafetensors(Object.fromEntries(stored)));
    return [out];
  },
  diffusers: async ({ network, schedulerFor }, out, { float16, scheduler: name }) => {
    const pipeline = new DiffusionPipeline({ unet: network, scheduler: schedulerFor(name) });
    await pipeline.savePretrained(out, { dtype: float16 === true ? 'float16' : 'float32' });
    return readdirSync(out, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
  },
  layers: async ({ network, imageShape }, out) => {
    makeFolder(out);
    const files: [string, string | Uint8Array][] = [];
    const handler = tf.io.withSaveHandler(({ weightData, weightSpecs = [], ...artifacts }) => {
      const parts = Array.isArray(weightData) ? weightData : [weightData ?? new ArrayBuffer(0)];
      const manifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      files.push(['weights.bin', Buffer.concat(parts.map((part) => new Uint8Array(part)))]);
      files.push(['model.json', JSON.stringify({ ...artifacts, weightsManifest: manifest })]);
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
    });
    await toLayersModel(network as unknown as Denoiser, imageShape).save(handler);
    for (const [name, content] of files) writeAtomically(join(out, name), content);
    return files.map(([name]) => join(out, name));
  },
};

export function exportCommand(): Command {
  const names = Object.keys(formats);
  const command = new Command('export')
    .description('write a trained model for other programs')
    .requiredOption('--model <folder>', 'folder of a training run or of a pipeline')
    .requiredOption('--format <name>', names.join(', '))
    .requiredOption('--out <path>', 'a file for onnx and safetensors, a folder for diffusers and layers')
    .option('--scheduler <name>', `the scheduler that goes with it: ${schedulerNames.join(', ')}`)
    .option('--batch <count>', 'onnx: images of a call, or dynamic', batchSize, 'dynamic')
    .option('--float16', 'half the bytes for the weights (not for layers)')
    .option('--json', 'print the result as JSON on standard output');
  return withEngineFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n  missing-u export --model runs/first --format onnx --out cunet.onnx\n' +
        '  missing-u export --model runs/first --format diffusers --out pipelines/first',
    )
    .action(exportModel);
}

function batchSize(text: string): number | 'dynamic' {
  return text === 'dynamic' ? text : positiveInteger(text);
}

async function exportModel(flags: Flags): Promise<void> {
  const { format, json } = flags;
  if (!Object.hasOwn(formats, format)) {
    throw new DiffusionError('DIFFUSION_UNKNOWN_FORMAT', unknownName('format', format, Object.keys(formats)));
  }
  const engine = await startEngine(flags);
  const model = await openModel(flags.model);
  try {
    const begin = performance.now();
    const paths = await formats[format]!(model, resolve(flags.out), flags);
    const seconds = (performance.now() - begin) / 1000;
    const bytes = paths.reduce((sum, path) => sum + statSync(path).size, 0);
    const text = json ? JSON.stringify({ format, paths, bytes, engine, seconds }) : paths.join('\n');
    process.stdout.write(`${text}\n`);
  } finally {
    model.network.dispose();
  }
}
