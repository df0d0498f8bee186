import { existsSync } from 'node:fs';
import { summary, type SummarizedModel } from '@missing-u/unet-blocks';
import { Command } from 'commander';
import { makeNetwork, makePreset, presetNames, type Network } from '../../networks.ts';
import { loadPipeline } from '../../pipelines/pretrained.ts';
import { loadRun } from '../../runs/load-run.ts';
import { readConfigFile } from '../../runs/config-file.ts';
import { configFile } from '../../runs/run-folder.ts';
import { positiveInteger, withEngineFlags, type EngineFlags } from '../options.ts';
import { startEngine } from '../start-engine.ts';

interface Flags extends EngineFlags {
  size: number;
  channels: number;
  json?: boolean;
}

export function summaryCommand(): Command {
  const command = new Command('summary')
    .description('count the parameters, operations and bytes of a network, layer by layer')
    .argument(
      '<model>',
      `a preset (${presetNames.slice(0, 3).join(', ')}, ...), or the folder of a model, pipeline or run`,
    )
    .option('--size <pixels>', 'side of the image', positiveInteger, 64)
    .option('--channels <count>', 'channels of the image, for presets', positiveInteger, 3)
    .option('--json', 'print parameters, operations, checkpointBytes and layers as JSON on standard output');
  return withEngineFlags(command)
    .addHelpText(
      'after',
      `\nPresets: ${presetNames.join(', ')}\n\nExample:\n  missing-u summary cunet --size 64 --json`,
    )
    .action(summarize);
}

async function summarize(model: string, flags: Flags): Promise<void> {
  if (!existsSync(model)) makePreset(model, flags.channels, flags.size).dispose();
  await startEngine(flags);
  const { network, channels } = await open(model, flags);
  try {
    const counted = summary(network as unknown as SummarizedModel, [flags.size, flags.size, channels]);
    const { parameters, operations, checkpointBytes, weightBytes, activationBytes, layers } = counted;
    const facts = { parameters, operations, checkpointBytes, weightBytes, activationBytes, layers };
    process.stdout.write(flags.json ? `${JSON.stringify(facts)}\n` : `${String(counted)}\n`);
  } finally {
    network.dispose();
  }
}

async function open(model: string, { channels, size }: Flags): Promise<{ network: Network; channels: number }> {
  if (!existsSync(model)) return { network: makePreset(model, channels, size), channels };
  const network = await openFolder(model);
  const config = network.config as { inChannels?: number; in_channels?: number };
  return { network, channels: config.inChannels ?? config.in_channels ?? channels };
}

/** The network of a folder: of a model as diffusers writes it (its weights are not needed to count), a run, a pipeline. */
async function openFolder(folder: string): Promise<Network> {
  const file = configFile(folder);
  if (!existsSync(file)) return (await loadPipeline(folder)).unet;
  const { _class_name: className, _diffusers_version: _, ...config } = await readConfigFile(file);
  return typeof className === 'string' ? makeNetwork(className, config) : (await loadRun(folder)).model;
}
