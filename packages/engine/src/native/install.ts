import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { EngineError } from '../errors.ts';
import {
  compileBinding,
  compileOwnLibraries,
  copyHeaders,
  findCompiler,
  libraries,
  wheelHeaders,
  type HeaderSource,
} from './build.ts';
import { checkBinding } from './check.ts';
import { cudaDownload, installCuda } from './cuda.ts';
import { nativeFolder } from './folders.ts';
import {
  findInstallations,
  layoutVersion,
  recordName,
  type Installation,
  type InstallationRecord,
} from './installation.ts';
import { standInFiles, standIns } from './load.ts';
import { withLock } from './lock.ts';
import { fetchPackage } from './npm.ts';
import type { Progress } from './progress.ts';
import { downloadWheel, fileHash, findPip } from './pip.ts';
import { npmPackages, tensorflowVersion, wheelFor, type Wheel as Release } from './releases.ts';
import { megabytes } from './size.ts';
import { openWheel, type Wheel } from './wheel.ts';

export interface InstallOptions {
  /** The build for NVIDIA cards, with CUDA's libraries. Runs on the processor where there is no card. */
  gpu?: boolean;
  /** A wheel of TensorFlow that is already here. */
  wheel?: string;
  /** An existing Python installation of TensorFlow, whose libraries are used where they lie. */
  tensorflow?: string;
  /** Installs even where a complete installation, made from the same wheel or folder where one is given, is found. */
  force?: boolean;
  onProgress?: Progress;
}

/**
 * Installs TensorFlow's C library and its binding for Node into the user's cache folder, for all projects of this user.
 *
 * Nothing is used before everything is in place and checked: the work is done in a folder of its own, which is renamed in one
 * step at the end. An interrupted installation goes on where it stopped.
 *
 * @throws EngineError `ENGINE_UNSUPPORTED`, `ENGINE_NO_PYTHON`, `ENGINE_NO_COMPILER`, `ENGINE_DOWNLOAD_FAILED`,
 *   `ENGINE_BAD_WHEEL`, `ENGINE_DISK_FULL`, `ENGINE_INSTALL_RUNNING`, `ENGINE_BUILD_FAILED`, `ENGINE_CHECK_FAILED`
 */
export async function installNative(options: InstallOptions = {}): Promise<Installation> {
  const gpu = options.gpu ?? false;
  const release = supportedRelease(gpu);
  const source = await sourceName(options);
  const usable = (await findInstallations()).find(
    (one) => one.fault === undefined && one.gpu === gpu && (source === undefined || one.source === source),
  );
  if (usable !== undefined && !options.force) return usable.operations ? usable : addOwnLibraries(usable, options);
  // What is missing is said before anything is downloaded.
  const compiler = findCompiler();
  const root = nativeFolder();
  return withLock(join(root, 'lock'), async () => {
    try {
      return await install(root, release, compiler, options);
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? diskFull(root, error) : error;
    }
  });
}

/** What an installation made with these options has as its source; undefined where any will do. */
async function sourceName({ wheel, tensorflow }: InstallOptions): Promise<string | undefined> {
  if (tensorflow !== undefined) return findTensorflow(tensorflow);
  return wheel === undefined ? undefined : basename(wheel);
}

async function install(
  root: string,
  release: Release,
  compiler: string,
  options: InstallOptions,
): Promise<Installation> {
  const progress = options.onProgress ?? (() => undefined);
  const name = `${release.project}-${tensorflowVersion}-${process.platform}-${process.arch}`;
  const [staging, scratch] = [join(root, `${name}.staging`), join(root, `${name}.scratch`)];
  await rm(scratch, { recursive: true, force: true });
  await mkdir(join(staging, 'lib'), { recursive: true });

  const source =
    options.tensorflow === undefined
      ? await fromWheel(root, staging, release, options, progress)
      : await fromPython(options.tensorflow);

  progress('Fetching the backend from npm');
  const modules = join(staging, 'js', 'node_modules');
  const backend = join(modules, '@tensorflow', 'tfjs-node');
  const nodeHeaders = join(scratch, 'node-api-headers');
  await rm(modules, { recursive: true, force: true });
  await fetchPackage(npmPackages.backend, scratch, backend);
  await fetchPackage(npmPackages.protobuf, scratch, join(modules, 'google-protobuf'));
  await fetchPackage(npmPackages.headers, scratch, nodeHeaders);
  for (const name of standIns) {
    const folder = join(modules, name);
    await mkdir(folder, { recursive: true });
    for (const [file, text] of Object.entries(standInFiles)) await writeFile(join(folder, file), text);
  }

  progress('Compiling the binding');
  const headers = join(scratch, 'headers');
  await copyHeaders(source.headers, backend, headers);
  await compileBinding({
    compiler,
    backend,
    nodeHeaders: join(nodeHeaders, 'include'),
    headers,
    libraries: source.libraries,
    runPath: source.runPath,
    output: join(staging, 'lib'),
    scratch,
  });

  progress('Compiling the operations');
  await compileOwnLibraries({
    compiler,
    libraries: source.libraries,
    runPath: source.runPath,
    output: join(staging, 'lib'),
    scratch,
  });

  progress('Checking a convolution and its gradients');
  await checkBinding(staging);

  const record: InstallationRecord = {
    layout: layoutVersion,
    tensorflow: source.version,
    gpu: options.gpu ?? false,
    platform: `${process.platform}-${process.arch}`,
    source: source.name,
    installed: new Date().toISOString(),
    bytes: await folderSize(staging),
  };
  await writeFile(join(staging, recordName), `${JSON.stringify(record, null, 2)}\n`);
  const folder = join(root, name);
  await rm(folder, { recursive: true, force: true });
  await rename(staging, folder);
  await rm(scratch, { recursive: true, force: true });
  await rm(join(root, 'downloads'), { recursive: true, force: true });
  return { ...record, folder, operations: true };
}

/** Compiles the libraries of this version of the package for an installation that another version has made. */
async function addOwnLibraries(installation: Installation, { onProgress }: InstallOptions): Promise<Installation> {
  onProgress?.('Compiling the operations');
  const [compiler, root, output] = [findCompiler(), nativeFolder(), join(installation.folder, 'lib')];
  const python = installation.source.startsWith('/');
  const libraries = python ? installation.source : output;
  return withLock(join(root, 'lock'), async () => {
    const scratch = await mkdtemp(join(root, 'operations-'));
    try {
      await compileOwnLibraries({ compiler, libraries, runPath: python ? libraries : '$ORIGIN', output, scratch });
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return { ...installation, operations: true };
  });
}

/** Where the libraries and headers come from. */
interface Source {
  name: string;
  version: string;
  /** The folder with the two libraries, and what the binding has as its run path. */
  libraries: string;
  runPath: string;
  headers: HeaderSource;
}

async function fromWheel(
  root: string,
  staging: string,
  release: Release,
  options: InstallOptions,
  progress: Progress,
): Promise<Source> {
  const given = options.wheel === undefined ? undefined : resolve(options.wheel);
  checkPlatform(given ?? '');
  const extra = (given === undefined ? release.download : 0) + (options.gpu ? 2 * cudaDownload : 0);
  // What an interrupted installation left counts as done.
  const done = (await folderSize(staging)) + (await folderSize(join(root, 'downloads')));
  await checkSpace(root, release.unpacked + extra - done);
  const file = given ?? (await download(join(root, 'downloads'), release, progress));
  const wheel = await openWheel(file);
  await unpackLibraries(wheel, staging, progress);
  if (options.gpu) await installCuda(wheel, { downloads: join(root, 'downloads'), staging, progress });
  const version = /^[^-]+-([^-]+)-/.exec(basename(file))?.[1] ?? 'unknown';
  const lib = join(staging, 'lib');
  return { name: basename(file), version, libraries: lib, runPath: '$ORIGIN', headers: wheelHeaders(wheel) };
}

/** A wheel for other processors would be unpacked whole before the compiler refuses its library. */
function checkPlatform(wheel: string): void {
  const built = /_(x86_64|aarch64|arm64|amd64)\.whl$/.exec(wheel)?.[1];
  if (built === undefined) return;
  const fits = process.arch === 'x64' ? built === 'x86_64' : built === 'aarch64';
  if (fits && !wheel.includes('macosx')) return;
  const message = `The wheel ${wheel} is built for another system than this one (${process.platform}, ${process.arch}).`;
  throw new EngineError('ENGINE_BAD_WHEEL', message);
}

async function download(folder: string, release: Release, progress: Progress): Promise<string> {
  await mkdir(folder, { recursive: true });
  const step = `Downloading ${release.project} ${tensorflowVersion} (${megabytes(release.download)})`;
  // A wheel that an interrupted installation had got whole.
  const kept = (await readdir(folder)).filter((name) => name.endsWith('.whl')).map((name) => join(folder, name));
  for (const file of kept) {
    if ((await fileHash(file)) === release.sha256) return file;
    await rm(file);
  }
  progress(step, 0);
  const requirement = `${release.project}==${tensorflowVersion}`;
  const file = await downloadWheel(await findPip(), { requirement, platforms: [release.platform] }, folder, (count) =>
    progress(step, Math.min(1, count / release.download)),
  );
  progress(step, 1);
  const hash = await fileHash(file);
  if (hash !== release.sha256) {
    await rm(file);
    const message = `The wheel that pip got for ${requirement} is not the one that was published (SHA-256 ${hash} instead of ${release.sha256}); check pip's index setting and try again.`;
    throw new EngineError('ENGINE_BAD_WHEEL', message);
  }
  return file;
}

async function unpackLibraries(wheel: Wheel, staging: string, progress: Progress): Promise<void> {
  const names = [libraries.tensorflow, libraries.framework];
  const sizes = names.map((name) => wheel.entries.get(`tensorflow/${name}`)?.size ?? 0);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const step = `Unpacking ${megabytes(total)}`;
  let done = 0;
  for (const [i, name] of names.entries()) {
    const target = join(staging, 'lib', name);
    // Appears under its name only when it is whole, so one of the right size is what an interrupted installation left.
    const { size } = await stat(target).catch(() => ({ size: -1 }));
    if (size === sizes[i]) done += size;
    else await wheel.extract(`tensorflow/${name}`, target, (count) => progress(step, (done += count) / total));
  }
}

/**
 * The folder `tensorflow` of an existing Python installation.
 *
 * @param folder that folder, the `site-packages` above it, or a virtual environment
 */
async function findTensorflow(folder: string): Promise<string> {
  const given = resolve(folder);
  const python = await readdir(join(given, 'lib')).catch(() => []);
  const candidates = [
    given,
    join(given, 'tensorflow'),
    ...python.map((name) => join(given, 'lib', name, 'site-packages', 'tensorflow')),
  ];
  const found = candidates.find((candidate) => existsSync(join(candidate, libraries.tensorflow)));
  if (found === undefined) {
    const message = `No TensorFlow was found in ${given}; name the folder that holds ${libraries.tensorflow} (\`python3 -c "import tensorflow; print(tensorflow.__path__[0])"\`), its site-packages or its virtual environment.`;
    throw new EngineError('ENGINE_NOT_FOUND', message);
  }
  return found;
}

async function fromPython(folder: string): Promise<Source> {
  const found = await findTensorflow(folder);
  const siblings = await readdir(join(found, '..'));
  const version = siblings.map((name) => /^tensorflow(?:_cpu)?-(.+)\.dist-info$/.exec(name)?.[1]).find(Boolean);
  const include = join(found, 'include');
  return {
    name: found,
    version: version ?? 'unknown',
    libraries: found,
    runPath: found,
    headers: {
      has: (path) => existsSync(join(include, path)),
      read: (path) => readFile(join(include, path), 'utf8'),
      copy: (path, target) => cp(join(include, path), target),
    },
  };
}

function supportedRelease(gpu: boolean): Release {
  const platform = `${process.platform}-${process.arch}`;
  const header = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
  const release = wheelFor(platform, gpu);
  const glibc = header.glibcVersionRuntime;
  if (release !== undefined && glibc !== undefined && Number(glibc.split('.')[1]) >= 27) return release;
  const here =
    release !== undefined
      ? `a system with ${glibc === undefined ? 'another C library' : `glibc ${glibc}`}`
      : `${platform}${gpu ? ' with --gpu' : ''}`;
  const message = `The native engine cannot be installed on ${here}: TensorFlow publishes its C library for Linux with glibc 2.27 or later (x64, also with --gpu, and arm64). The wasm engine works everywhere, webgpu on graphics cards.`;
  throw new EngineError('ENGINE_UNSUPPORTED', message);
}

async function checkSpace(root: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(root);
  if (bavail * bsize < needed) throw diskFull(root, undefined, needed);
}

function diskFull(root: string, cause: unknown, needed?: number): EngineError {
  const amount = needed === undefined ? '' : ` ${megabytes(needed)} are needed.`;
  const message = `The disk of ${root} is full.${amount} Free some space, or set MISSING_U_CACHE to a folder on another disk; what has been done so far is kept.`;
  return new EngineError('ENGINE_DISK_FULL', message, { cause });
}

async function folderSize(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = files.filter((file) => file.isFile()).map((file) => stat(join(file.parentPath, file.name)));
  return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
}
