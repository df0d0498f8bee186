import { Command, Option } from 'commander';
import { compareImages, type ImageComparison } from '../evaluation/compare.ts';
import { LPIPS } from '../lpips/lpips.ts';
import { trunkNames, type TrunkName } from '../networks/trunks.ts';
import type { CommandHost } from './evaluate.ts';

interface Flags {
  trunk?: string;
  heads?: string;
  net: TrunkName;
  json?: boolean;
  engine?: string;
}

/** `compare-images A B`, for any program that is made with commander. */
export function compareImagesCommand(host: CommandHost): Command {
  return new Command('compare-images')
    .description('compare two pictures of one size: MSE, PSNR, SSIM, MS-SSIM, and LPIPS where its weights are given')
    .argument('<a>', 'a picture')
    .argument('<b>', 'another one')
    .option('--trunk <file>', "torchvision's weights of the LPIPS network")
    .option('--heads <file>', 'heads of the lpips package, for example weights/v0.1/squeeze.pth')
    .addOption(new Option('--net <name>', 'the LPIPS network').choices(trunkNames).default('alex'))
    .option('--json', 'print the numbers as JSON on standard output (null for an infinite PSNR)')
    .option('--engine <name>', 'TensorFlow.js engine, for LPIPS')
    .action((a: string, b: string, flags: Flags) => run(host, a, b, flags));
}

async function run(host: CommandHost, a: string, b: string, flags: Flags): Promise<void> {
  const result = await compare(host, a, b, flags);
  const lines = Object.entries(result).map(([key, value]) => `${key.padEnd(10)} ${value}`);
  process.stdout.write(flags.json ? `${JSON.stringify(result)}\n` : `${lines.join('\n')}\n`);
}

async function compare(
  host: CommandHost,
  a: string,
  b: string,
  { trunk, heads, net, engine }: Flags,
): Promise<ImageComparison> {
  if (trunk === undefined) return compareImages(a, b);
  await host.startEngine(engine === undefined ? {} : { engine });
  const lpips = await LPIPS.load({ net, trunk, ...(heads === undefined ? { lpips: false } : { heads }) });
  try {
    return await compareImages(a, b, { lpips });
  } finally {
    lpips.dispose();
  }
}
