import { Command } from 'commander';
import { EngineError } from '../errors.ts';
import { findInstallations, removeInstallations, type Installation } from '../native/installation.ts';
import { cudaDownload } from '../native/cuda.ts';
import { installNative } from '../native/install.ts';
import { megabytes } from '../native/size.ts';
import { nativeFolder } from '../native/folders.ts';
import { tensorflowVersion, wheelFor } from '../native/releases.ts';
import { progressBar } from './progress-bar.ts';

interface InstallFlags {
  gpu?: boolean;
  wheel?: string;
  tensorflow?: string;
  force?: boolean;
  json?: boolean;
}

/** `native install | status | remove`, for any program that is made with commander. */
export function nativeCommand(): Command {
  const command = new Command('native').description("TensorFlow's own library as the engine: install, show, remove");
  command
    .command('install')
    .description('install it into the cache folder of this user, for all projects')
    .option('--gpu', 'the build for NVIDIA cards, with the CUDA libraries')
    .option('--wheel <file>', 'take this wheel of TensorFlow instead of downloading one')
    .option('--tensorflow <folder>', 'use the libraries of this Python installation of TensorFlow')
    .option('--force', 'install even where a complete installation is found')
    .option('--json', 'print what is installed, and where, as JSON on standard output')
    .action(install);
  command
    .command('status')
    .description('show what is installed, and where')
    .option('--json', 'print it as JSON on standard output')
    .action(status);
  command
    .command('remove')
    .description('remove all of it')
    .option('--json', 'print what was removed as JSON on standard output')
    .action(remove);
  return command;
}

async function install({ json, ...flags }: InstallFlags): Promise<void> {
  announce(flags);
  const bar = progressBar(process.stderr);
  try {
    const installation = await installNative({ ...flags, onProgress: bar.show });
    bar.end();
    process.stdout.write(`${json ? JSON.stringify(installation) : describe(installation)}\n`);
  } catch (error) {
    bar.end();
    throw error;
  }
}

/** Sizes come before the download. */
function announce({ gpu, wheel, tensorflow }: InstallFlags): void {
  const release = wheelFor(`${process.platform}-${process.arch}`, gpu ?? false);
  if (release === undefined || tensorflow !== undefined) return;
  const download = wheel === undefined ? `${megabytes(release.download)} to download, ` : '';
  const cuda = gpu
    ? `, and for the CUDA libraries about ${megabytes(cudaDownload)} to download and twice that on the disk`
    : '';
  process.stderr.write(
    `TensorFlow ${tensorflowVersion} for ${nativeFolder()}: ${download}${megabytes(release.unpacked)} on the disk${cuda}\n`,
  );
}

async function status({ json }: { json?: boolean }, command: Command): Promise<void> {
  const installations = await findInstallations();
  if (json) process.stdout.write(`${JSON.stringify({ folder: nativeFolder(), installations })}\n`);
  else if (installations.length === 0)
    process.stdout.write(`Not installed. Run \`${programName(command)} native install\` to install it.\n`);
  else for (const installation of installations) process.stdout.write(`${describe(installation)}\n`);
}

/** The program that has these commands: `missing-u-engine`, or another that took them in. */
function programName(command: Command): string {
  return command.parent === null ? command.name() : programName(command.parent);
}

async function remove({ json }: { json?: boolean }): Promise<void> {
  const found = await findInstallations();
  const folder = await removeInstallations();
  if (json) process.stdout.write(`${JSON.stringify({ folder, removed: found })}\n`);
  else process.stdout.write(found.length === 0 ? `Nothing was installed in ${folder}.\n` : `Removed ${folder}.\n`);
}

function describe({ tensorflow, gpu, platform, folder, bytes, fault }: Installation): string {
  const what = `TensorFlow ${tensorflow}${gpu ? ' with CUDA' : ''} for ${platform}, ${megabytes(bytes)} in ${folder}`;
  return fault === undefined ? what : `${what}, NOT USABLE: ${fault}`;
}

/** Status 2 and one line for what a person can do something about, status 1 and the stack for anything else. */
export function reportFailure(error: unknown): number {
  if (error instanceof EngineError) {
    process.stderr.write(`${error.message} [${error.code}]\n`);
    return 2;
  }
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}
