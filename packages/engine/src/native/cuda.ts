import { existsSync, readdirSync } from 'node:fs';
import { chmod, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../errors.ts';
import { downloadWheel, findPip } from './pip.ts';
import type { Progress } from './progress.ts';
import { openWheel, type Wheel } from './wheel.ts';

/** About what the wheels of CUDA, cuDNN and NCCL come to. */
export const cudaDownload = 2_700_000_000;

const platforms = ['manylinux_2_27', 'manylinux_2_17', 'manylinux2014', 'manylinux1'].map((name) => `${name}_x86_64`);

/** Installs the libraries of the wheels that TensorFlow's extra `and-cuda` names, in the versions that it allows. */
export async function installCuda(
  tensorflow: Wheel,
  { downloads, staging, progress }: { downloads: string; staging: string; progress: Progress },
): Promise<void> {
  const metadata = [...tensorflow.entries.keys()].find((name) => /^[^/]+\.dist-info\/METADATA$/.test(name));
  const text = metadata === undefined ? '' : await tensorflow.text(metadata);
  const pattern = /^Requires-Dist: ([^;\n]+?)\s*;\s*extra == ["']and-cuda["']/gm;
  const requirements = [...text.matchAll(pattern)].map(([, requirement]) => requirement!.replace(/[() ]/g, ''));
  if (requirements.length === 0) {
    const message = `The wheel ${tensorflow.file} has no extra \`and-cuda\`, so it is no build for graphics cards; leave out --gpu or give another wheel.`;
    throw new EngineError('ENGINE_BAD_WHEEL', message);
  }
  const pip = await findPip();
  for (const [i, requirement] of requirements.entries()) {
    progress('Downloading the CUDA libraries', i / requirements.length);
    const done = join(downloads, `${requirement.replace(/[^\w.-]/g, '_')}.done`);
    if (existsSync(done)) continue;
    const file = await downloadWheel(pip, { requirement, platforms }, downloads);
    const wheel = await openWheel(file);
    for (const { name, size } of wheel.entries.values()) {
      if (isWanted(name)) await extractOnce(wheel, name, join(staging, name), size);
    }
    await writeFile(done, '');
    await rm(file);
  }
  progress('Downloading the CUDA libraries', 1);
}

/** The CUDA libraries of an installation. */
export function cudaLibraries(folder: string): string[] {
  return list(join(folder, 'nvidia')).flatMap((name) => {
    const lib = join(folder, 'nvidia', name, 'lib');
    return list(lib)
      .filter((file) => file.includes('.so'))
      .map((file) => join(lib, file));
  });
}

/** Where CUDA's assembler for the card and its device library lie, or undefined without them. */
export function cudaToolkit(folder: string): string | undefined {
  const toolkit = join(folder, 'nvidia', 'cuda_nvcc');
  return list(toolkit).length > 0 ? toolkit : undefined;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Libraries, the assembler for the card and the device library; no headers, static libraries or Python. */
function isWanted(name: string): boolean {
  return /^nvidia\/[^/]+\/(lib\/[^/]+\.so[^/]*|bin\/ptxas|nvvm\/libdevice\/[^/]+)$/.test(name);
}

async function extractOnce(wheel: Wheel, name: string, target: string, size: number): Promise<void> {
  const present = await stat(target).catch(() => undefined);
  if (present?.size !== size) await wheel.extract(name, target);
  await chmod(target, 0o755);
}
