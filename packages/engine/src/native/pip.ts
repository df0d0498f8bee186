import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { EngineError } from '../errors.ts';
import { lastLines, runCommand } from './command.ts';
import { wheelPython } from './releases.ts';

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
 * `folder` only when it is whole.
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
  const temporary = join(folder, 'incoming');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  // pip keeps what is coming in its temporary folder, and tells no program how far it is.
  const watch = setInterval(() => void folderSize(temporary).then(onBytes), 500);
  const [program, ...args] = pip;
  const outcome = await runCommand(
    program!,
    [
      ...args,
      ...['download', request.requirement, '--no-deps', '--only-binary=:all:', '--dest', temporary],
      ...request.platforms.flatMap((platform) => ['--platform', platform]),
      ...['--implementation', 'cp', '--python-version', wheelPython.version, '--abi', wheelPython.abi, '--abi', 'none'],
      ...['--disable-pip-version-check', '--progress-bar', 'off', '--no-cache-dir'],
    ],
    { env: { TMPDIR: temporary } },
  ).finally(() => clearInterval(watch));
  if (outcome.status !== 0) throw explain(request.requirement, outcome.output);
  const name = (await readdir(temporary)).find((file) => file.endsWith('.whl'));
  if (name === undefined) throw explain(request.requirement, outcome.output);
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

async function folderSize(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = files
    .filter((file) => file.isFile())
    .map((file) =>
      stat(join(file.parentPath, file.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
