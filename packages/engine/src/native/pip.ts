import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { EngineError } from '../errors.ts';
import { lastLines, runCommand } from './command.ts';
import { wheelPython } from './releases.ts';
import { resumingDownload, unknownPip } from './resume.ts';

/** How to call pip: the first way that works. */
export async function findPip(): Promise<string[]> {
  const own = process.env['MISSING_U_PIP'];
  const ways = own ? [own.split(' ')] : [['python3', '-m', 'pip'], ['python', '-m', 'pip'], ['pip3'], ['pip']];
  for (const [program, ...args] of ways) {
    const { status } = await runCommand(program!, [...args, '--version']);
    if (status === 0) return [program!, ...args];
  }
  throw new EngineError(
    'ENGINE_NO_PYTHON',
    "TensorFlow's library comes in a Python wheel, and neither `python3 -m pip` nor `pip` works here; " +
      'install Python 3 with pip (Debian, Ubuntu: `apt install python3-pip`), or download the wheel elsewhere and give it as `--wheel FILE`.',
  );
}

/** What pip should get. */
export interface Request {
  /** For example `tensorflow-cpu==2.21.0`. */
  requirement: string;
  /** pip's tags of the platforms that the wheel may be for. */
  platforms: readonly string[];
}

/**
 * Downloads one wheel with the user's own pip, so mirrors, proxies and certificates work as usual. The wheel appears in
 * `folder` only when it is whole; what an interrupted download left there is continued.
 *
 * @param onBytes told every half second how many bytes have come
 * @returns the path of the wheel
 */
export async function downloadWheel(
  pip: string[],
  request: Request,
  folder: string,
  onBytes: (count: number) => void = () => undefined,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const wanted = [
    ...[request.requirement, '--no-deps', '--only-binary=:all:'],
    ...request.platforms.flatMap((platform) => ['--platform', platform]),
    ...['--implementation', 'cp', '--python-version', wheelPython.version, '--abi', wheelPython.abi, '--abi', 'none'],
    ...['--disable-pip-version-check', '--no-cache-dir'],
  ];
  const watch = setInterval(() => void incomingBytes(folder).then(onBytes), 500);
  try {
    return (await resume(pip, request, folder, wanted)) ?? (await startOver(pip, request, folder, wanted));
  } finally {
    clearInterval(watch);
  }
}

/** Continues a download, or says undefined where that needs a pip of another kind. */
async function resume(pip: string[], { requirement }: Request, folder: string, wanted: string[]) {
  const [python, ...args] = pip;
  if (args.join(' ') !== '-m pip') return undefined;
  const outcome = await runCommand(python!, ['-c', resumingDownload, folder, ...wanted, '--dest', folder]);
  if (outcome.status === unknownPip) return undefined;
  if (outcome.status !== 0) throw explain(requirement, outcome.output);
  return join(folder, outcome.stdout.trim().split('\n').at(-1)!);
}

async function startOver([program, ...args]: string[], { requirement }: Request, folder: string, wanted: string[]) {
  // Where pip keeps what is coming; it tells no program how far it is.
  const temporary = join(folder, 'incoming');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const command = [...args, 'download', ...wanted, '--progress-bar', 'off', '--dest', temporary];
  const outcome = await runCommand(program!, command, { env: { TMPDIR: temporary } });
  const name = (await readdir(temporary)).find((file) => file.endsWith('.whl'));
  if (outcome.status !== 0 || name === undefined) throw explain(requirement, outcome.output);
  const target = join(folder, name);
  await rename(join(temporary, name), target);
  await rm(temporary, { recursive: true, force: true });
  return target;
}

/** SHA-256 of a file, in hexadecimal digits. */
export async function fileHash(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function explain(requirement: string, output: string): EngineError {
  const said = `pip said:\n${lastLines(output)}`;
  if (/No space left on device|Errno 28/.test(output)) {
    return new EngineError('ENGINE_DISK_FULL', `The disk is full: ${requirement} did not fit. ${said}`);
  }
  const remedy =
    "check the network and pip's index setting, or download the wheel elsewhere and give it as `--wheel FILE`";
  return new EngineError('ENGINE_DOWNLOAD_FAILED', `pip could not get ${requirement}; ${remedy}. ${said}`);
}

async function incomingBytes(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = files
    .filter((file) => file.isFile() && (file.name.endsWith('.part') || file.parentPath !== folder))
    .map((file) =>
      stat(join(file.parentPath, file.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
