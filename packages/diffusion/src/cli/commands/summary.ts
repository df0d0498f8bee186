import { summary, type SummarizedModel } from '@missing-u/unet-blocks';
import { Command } from 'commander';
import { presetNames } from '../../networks.ts';
import { openModel } from '../../runs/open-model.ts';
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
  await startEngine(flags);
  const { network, imageShape } = await openModel(model, { ...flags, weights: false });
  try {
    const counted = summary(network as unknown as SummarizedModel, [flags.size, flags.size, imageShape[2]]);
    const { parameters, operations, checkpointBytes, weightBytes, activationBytes, layers } = counted;
    const facts = { parameters, operations, checkpointBytes, weightBytes, activationBytes, layers };
    process.stdout.write(flags.json ? `${JSON.stringify(facts)}\n` : `${String(counted)}\n`);
  } finally {
    network.dispose();
  }
}
