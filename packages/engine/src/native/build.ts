import { mkdir, mkdtemp, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { EngineError } from '../errors.ts';
import { isThere, lastLines, runCommand } from './command.ts';
import { functions } from './functions/library.ts';
import { helperSource } from './helper.ts';
import { operations } from './operations/library.ts';
import type { OwnLibrary } from './own-library.ts';
import type { Wheel } from './wheel.ts';

/** The compiler to use: `$CXX`, or the first of the usual ones. */
export function findCompiler(): string {
  const own = process.env['CXX'];
  const found = (own ? [own] : ['g++', 'clang++', 'c++']).find(isThere);
  if (found !== undefined) return found;
  throw new EngineError(
    'ENGINE_NO_COMPILER',
    `No C++ compiler was found (${own ? `CXX is '${own}'` : 'g++, clang++, c++'}); install one (Debian, Ubuntu: ` +
      '`apt install g++`) or name it in the environment variable CXX.',
  );
}

/** Where headers are read from: a wheel or an existing Python installation. */
export interface HeaderSource {
  has(path: string): boolean;
  read(path: string): Promise<string>;
  copy(path: string, target: string): Promise<void>;
}

/** The headers of a wheel, with paths as in `#include`. */
export function wheelHeaders(wheel: Wheel): HeaderSource {
  const prefix = 'tensorflow/include/';
  return {
    has: (path) => wheel.entries.has(prefix + path),
    read: (path) => wheel.text(prefix + path),
    copy: (path, target) => wheel.extract(prefix + path, target),
  };
}

/**
 * Copies the headers that the binding's sources include and all that these include in turn: some 20 files out of 13,000, and
 * the right ones for every release.
 */
export async function copyHeaders(source: HeaderSource, backend: string, folder: string): Promise<void> {
  const seen = new Set<string>();
  const queue: string[] = [];
  const note = (text: string, from: string) => {
    for (const [, included] of text.matchAll(/^\s*#\s*include\s+["<]([^">]+)[">]/gm)) {
      const candidates = [included!, posix.join(from, included!)];
      const found = candidates.find((candidate) => source.has(candidate));
      if (found === undefined || seen.has(found)) continue;
      seen.add(found);
      queue.push(found);
    }
  };
  const sources = join(backend, 'binding');
  for (const name of await readdir(sources)) note(await readFile(join(sources, name), 'utf8'), '');
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    await source.copy(path, join(folder, path));
    note(await source.read(path), posix.dirname(path));
  }
}

/** What something is compiled with that is linked to TensorFlow. */
interface Toolchain {
  compiler: string;
  /** Where the two libraries lie. */
  libraries: string;
  /** Where the result will look for them: `$ORIGIN` is its own folder, so that an installation can be moved as a whole. */
  runPath: string;
  output: string;
  scratch: string;
}

interface BindingSources {
  /** The npm package with the sources. */
  backend: string;
  nodeHeaders: string;
  headers: string;
}

/** Compiles the binding between Node and TensorFlow's C library, and the addon that helps with its loading, into `output`. */
export async function compileBinding(paths: Toolchain & BindingSources): Promise<void> {
  const shared = ['-O2', '-std=c++17', '-shared', '-fPIC', '-DNAPI_VERSION=8', `-I${paths.nodeHeaders}`];
  await compile(paths, [
    ...[...shared, '-DNODE_GYP_MODULE_NAME=tfjs_binding', `-I${paths.headers}`, `-I${paths.backend}`],
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(paths.backend, 'binding', file)),
    ...['-o', join(paths.output, libraries.binding)],
    ...(await linkTensorFlow(paths)),
  ]);
  const helper = join(paths.scratch, 'helper.cc');
  await writeFile(helper, helperSource);
  await compile(paths, [...shared, helper, '-o', join(paths.output, libraries.helper)]);
}

/** Compiles this package's own libraries into `output`: operations, and functions. Each appears under its name when it is whole. */
export async function compileOwnLibraries(paths: Toolchain): Promise<void> {
  await mkdir(paths.scratch, { recursive: true });
  for (const library of [operations, functions]) await compileLibrary(paths, library);
}

async function compileLibrary(paths: Toolchain, { name, options, source }: OwnLibrary): Promise<void> {
  const [file, made] = [join(paths.scratch, `${name}.cc`), join(paths.scratch, name)];
  await writeFile(file, source);
  await compile(paths, [...options, file, '-o', made, ...(await linkTensorFlow(paths))]);
  await rename(made, join(paths.output, name));
}

/** Options of the linker. It wants the libraries' names without a version, which are needed for this moment only. */
async function linkTensorFlow(paths: Toolchain): Promise<string[]> {
  const linking = await mkdtemp(join(paths.scratch, 'link-'));
  await symlink(join(paths.libraries, libraries.tensorflow), join(linking, 'libtensorflow.so'));
  await symlink(join(paths.libraries, libraries.framework), join(linking, 'libtensorflow_framework.so'));
  return [`-L${linking}`, '-ltensorflow', '-ltensorflow_framework', `-Wl,-rpath,${paths.runPath}`];
}

async function compile({ compiler, scratch }: { compiler: string; scratch: string }, args: string[]): Promise<void> {
  const { status, output } = await runCommand(compiler, args, { env: { TMPDIR: scratch } });
  if (status === 0) return;
  const message = `${compiler} could not compile the binding to TensorFlow; a compiler for C++17 is needed. It said:\n${lastLines(output, 12)}`;
  throw new EngineError('ENGINE_BUILD_FAILED', message);
}

/** Names of the files in an installation's `lib` folder. */
export const libraries = {
  tensorflow: 'libtensorflow_cc.so.2',
  framework: 'libtensorflow_framework.so.2',
  binding: 'tfjs_binding.node',
  helper: 'helper.node',
};
