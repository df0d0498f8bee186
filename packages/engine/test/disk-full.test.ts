import type * as fs from 'node:fs';
import type * as promises from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { findInstallations } from '../src/native/installation.ts';
import { installNative } from '../src/native/install.ts';
import { ownCacheFolder } from './folder.ts';
import { makeWheel } from './make-wheel.ts';

/** A disk that has this much room, whatever it says. */
const disk = { says: 2 ** 40, has: 2 ** 40 };

vi.mock('node:fs/promises', async (original) => ({
  ...(await original<typeof promises>()),
  statfs: async () => ({ bavail: disk.says, bsize: 1 }),
}));
vi.mock('node:fs', async (original) => {
  const actual = await original<typeof fs>();
  return {
    ...actual,
    createWriteStream: (path: string) =>
      disk.has > 0
        ? actual.createWriteStream(path)
        : new Writable({
            write: (_chunk, _encoding, done) =>
              done(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })),
          }),
  };
});

const folder = ownCacheFolder();
const supported = process.platform === 'linux' && process.arch === 'x64';

function wheel(): string {
  const file = join(folder(), 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl');
  makeWheel(file, {
    'tensorflow/libtensorflow_cc.so.2': 'library',
    'tensorflow/libtensorflow_framework.so.2': 'other',
  });
  return file;
}

describe.skipIf(!supported)('a full disk (on Linux, x64)', () => {
  it('is seen before anything is downloaded', async () => {
    disk.says = 1e6;
    await expect(installNative()).rejects.toMatchObject({
      code: 'ENGINE_DISK_FULL',
      message: /is full\. 1130 MB are needed\..*MISSING_U_CACHE/,
    });
    expect(await findInstallations()).toEqual([]);
  });

  it('in the middle of the work is told, and leaves nothing that is used', async () => {
    Object.assign(disk, { says: 2 ** 40, has: 0 });
    await expect(installNative({ wheel: wheel() })).rejects.toMatchObject({
      code: 'ENGINE_DISK_FULL',
      message: /what has been done so far is kept/,
    });
    expect(await findInstallations()).toEqual([]);
    expect(readdirSync(join(folder(), 'native'))).not.toContain('lock');
  });
});
