import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { cudaLibraries, cudaToolkit, installCuda } from '../src/native/cuda.ts';
import { settings } from '../src/native/settings.ts';
import { openWheel } from '../src/native/wheel.ts';
import { ownCacheFolder } from './folder.ts';
import { makeWheel } from './make-wheel.ts';

const folder = ownCacheFolder();

/** A wheel of TensorFlow whose extra asks for two wheels of CUDA, and a pip that has them. */
beforeEach(() => {
  makeWheel(join(folder(), 'tensorflow.whl'), {
    'tensorflow-2.21.0.dist-info/METADATA': [
      'Requires-Dist: numpy>=1.26.0',
      'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2 ; extra == "and-cuda"',
      'Requires-Dist: nvidia-cuda-nvcc-cu12 (<13.0,>=12.5.82) ; extra == "and-cuda"',
    ].join('\n'),
  });
  makeWheel(join(folder(), 'nvidia_cublas_cu12-12.9.1.4-py3-none-manylinux_2_27_x86_64.whl'), {
    'nvidia/cublas/lib/libcublas.so.12': 'library',
    'nvidia/cublas/include/cublas.h': 'header',
    'nvidia/cublas/__init__.py': '',
  });
  makeWheel(join(folder(), 'nvidia_cuda_nvcc_cu12-12.9.86-py3-none-manylinux_2_27_x86_64.whl'), {
    'nvidia/cuda_nvcc/bin/ptxas': 'assembler',
    'nvidia/cuda_nvcc/bin/nvcc': 'compiler',
    'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc': 'code',
  });
  pip(`case "$*" in
  *"nvidia-cublas-cu12<13.0,>=12.5.3.2"*) cp ${folder()}/nvidia_cublas*.whl "$TMPDIR/";;
  *"nvidia-cuda-nvcc-cu12<13.0,>=12.5.82"*) cp ${folder()}/nvidia_cuda_nvcc*.whl "$TMPDIR/";;
  *) exit 1;; esac`);
});

function pip(body: string): void {
  const file = join(folder(), 'pip');
  writeFileSync(file, `#!/bin/sh\ncase "$*" in *--version*) exit 0;; esac\n${body}\n`);
  chmodSync(file, 0o755);
  vi.stubEnv('MISSING_U_PIP', file);
}

async function install(): Promise<string> {
  const staging = join(folder(), 'staging');
  const downloads = join(folder(), 'downloads');
  mkdirSync(staging, { recursive: true });
  await installCuda(await openWheel(join(folder(), 'tensorflow.whl')), {
    downloads,
    staging,
    progress: () => undefined,
  });
  return staging;
}

describe('the CUDA libraries', () => {
  it('are taken out of the wheels that TensorFlow asks for, and nothing else', async () => {
    const staging = await install();
    expect(cudaLibraries(staging)).toEqual([join(staging, 'nvidia/cublas/lib/libcublas.so.12')]);
    expect(cudaToolkit(staging)).toBe(join(staging, 'nvidia/cuda_nvcc'));
    expect(statSync(join(staging, 'nvidia/cuda_nvcc/bin/ptxas')).mode & 0o111).not.toBe(0);
    expect(existsSync(join(staging, 'nvidia/cublas/include'))).toBe(false);
    expect(existsSync(join(staging, 'nvidia/cuda_nvcc/bin/nvcc'))).toBe(false);
    expect(settings(staging, {})['XLA_FLAGS']).toContain(join(staging, 'nvidia/cuda_nvcc'));
    expect(settings(staging, { gpu: false })['CUDA_VISIBLE_DEVICES']).toBe('-1');
  });

  it('are not downloaded again after an interruption', async () => {
    await install();
    pip('exit 1');
    await install();
  });

  it('that pip cannot get are an error', async () => {
    pip('echo "no network" >&2; exit 1');
    await expect(install()).rejects.toMatchObject({ code: 'ENGINE_DOWNLOAD_FAILED', message: /nvidia-cublas-cu12/ });
  });
});
