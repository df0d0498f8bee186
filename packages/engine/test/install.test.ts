import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { native } from '../src/native/driver.ts';
import type { EngineError } from '../src/errors.ts';
import { compileBinding, libraries } from '../src/native/build.ts';
import { findInstallations, layoutVersion, removeInstallations } from '../src/native/installation.ts';
import { installNative } from '../src/native/install.ts';
import { functions } from '../src/native/functions/library.ts';
import { operations } from '../src/native/operations/library.ts';
import { ownCacheFolder } from './folder.ts';
import { makeWheel } from './make-wheel.ts';

const folder = ownCacheFolder();
const supported = process.platform === 'linux' && process.arch === 'x64';

/** A program that stands for pip; `$TMPDIR` is where it has to put the wheel. */
function fakePip(body: string): void {
  const file = join(folder(), 'pip');
  writeFileSync(file, `#!/bin/sh\ncase "$*" in *--version*) exit 0;; esac\n${body}\n`);
  chmodSync(file, 0o755);
  vi.stubEnv('MISSING_U_PIP', file);
}

function smallWheel(): string {
  const file = join(folder(), 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl');
  makeWheel(file, {
    'tensorflow/libtensorflow_cc.so.2': 'no library',
    'tensorflow/libtensorflow_framework.so.2': 'no library either',
    'tensorflow/include/tensorflow/c/c_api.h': '// nothing',
  });
  return file;
}

/** The installation fails in the expected way, and nothing of it can be used afterwards. */
async function expectFailure(options: Parameters<typeof installNative>[0], code: string, message: RegExp) {
  await expect(installNative(options)).rejects.toMatchObject({ code, message });
  expect(await findInstallations()).toEqual([]);
  expect(await native.probe({})).toMatchObject({ usable: false });
  const root = join(folder(), 'native');
  expect(existsSync(root) ? readdirSync(root) : []).not.toContain('lock');
}

describe.skipIf(!supported)('native install (on Linux, x64)', () => {
  it('wants a compiler before it downloads anything', async () => {
    vi.stubEnv('CXX', '/nowhere/g++');
    fakePip('echo must not be called; exit 1');
    await expectFailure({}, 'ENGINE_NO_COMPILER', /apt install g\+\+/);
  });

  it('wants pip, or a wheel', async () => {
    vi.stubEnv('MISSING_U_PIP', '/nowhere/pip');
    await expectFailure({}, 'ENGINE_NO_PYTHON', /--wheel FILE/);
  });

  it('says what pip said where there is no network', async () => {
    fakePip('echo "ERROR: Could not find a version: connection refused" >&2; exit 1');
    await expectFailure({}, 'ENGINE_DOWNLOAD_FAILED', /connection refused/);
  });

  it('recognises a full disk', async () => {
    fakePip('echo "ERROR: [Errno 28] No space left on device" >&2; exit 1');
    await expectFailure({}, 'ENGINE_DISK_FULL', /did not fit/);
  });

  it('refuses a wheel with another hash than the published one', async () => {
    const wheel = smallWheel();
    fakePip(`cp ${wheel} "$TMPDIR/"`);
    await expectFailure({}, 'ENGINE_BAD_WHEEL', /not the one that was published/);
    expect(readdirSync(join(folder(), 'native', 'downloads')).filter((name) => name.endsWith('.whl'))).toEqual([]);
  });

  it('refuses a truncated wheel, and one without the library', async () => {
    const wheel = smallWheel();
    truncateSync(wheel, 200);
    await expectFailure({ wheel }, 'ENGINE_BAD_WHEEL', /truncated/);
    makeWheel(wheel, { 'numpy/__init__.py': '' });
    await expectFailure({ wheel }, 'ENGINE_BAD_WHEEL', /it lacks tensorflow\/libtensorflow_cc.so.2/);
  });

  it('says what npm said where the registry does not answer', async () => {
    vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9/');
    vi.stubEnv('npm_config_fetch_retries', '0');
    const [home, temporary] = [join(folder(), 'home'), join(folder(), 'tmp')];
    for (const [name, place] of Object.entries({ HOME: home, TMPDIR: temporary })) {
      mkdirSync(place);
      vi.stubEnv(name, place);
    }
    vi.stubEnv('npm_config_cache', undefined);
    await expectFailure({ wheel: smallWheel() }, 'ENGINE_DOWNLOAD_FAILED', /npm could not get/);
    // Nothing outside of the cache folder was touched.
    expect([...readdirSync(home), ...readdirSync(temporary)]).toEqual([]);
  });

  it('says what the compiler said', async () => {
    const compiler = join(folder(), 'g++');
    writeFileSync(compiler, '#!/bin/sh\necho "error: unrecognized option -std=c++17" >&2; exit 1\n');
    chmodSync(compiler, 0o755);
    const scratch = join(folder(), 'scratch');
    mkdirSync(scratch);
    const paths = {
      compiler,
      scratch,
      backend: '',
      nodeHeaders: '',
      headers: '',
      libraries: '',
      runPath: '',
      output: '',
    };
    await expect(compileBinding(paths)).rejects.toMatchObject({
      code: 'ENGINE_BUILD_FAILED',
      message: /a compiler for C\+\+17 is needed.*\n.*unrecognized option/,
    });
  });

  it('refuses a wheel for other processors, and one without CUDA for --gpu', async () => {
    const wheel = smallWheel();
    const other = wheel.replace('manylinux_2_27_x86_64', 'macosx_12_0_arm64');
    renameSync(wheel, other);
    await expectFailure({ wheel: other }, 'ENGINE_BAD_WHEEL', /built for another system/);
    await expectFailure({ wheel: smallWheel(), gpu: true }, 'ENGINE_BAD_WHEEL', /no build for graphics cards/);
  });

  it('looks for an existing TensorFlow where it is told to', async () => {
    await expectFailure({ tensorflow: folder() }, 'ENGINE_NOT_FOUND', /libtensorflow_cc.so.2/);
  });

  it('holds off a second installation at the same time', async () => {
    fakePip('sleep 0.5; echo "ERROR: no network" >&2; exit 1');
    const outcomes = await Promise.allSettled([installNative(), installNative()]);
    const codes = outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as EngineError).code);
    expect(codes.sort()).toEqual(['ENGINE_DOWNLOAD_FAILED', 'ENGINE_INSTALL_RUNNING']);
  });

  it('holds off a second installation, but not because of one that died', async () => {
    const lock = join(folder(), 'native', 'lock');
    mkdirSync(join(folder(), 'native'));
    writeFileSync(lock, String(process.pid));
    await expect(installNative({ wheel: 'x' })).rejects.toMatchObject({
      code: 'ENGINE_INSTALL_RUNNING',
      message: new RegExp(`process ${process.pid}`),
    });
    expect(existsSync(lock)).toBe(true);
    writeFileSync(lock, '4194999');
    await expectFailure({ wheel: join(folder(), 'none.whl') }, 'ENGINE_BAD_WHEEL', /cannot be opened/);
  });
});

describe('an installation', () => {
  function record(change: object): string {
    const place = join(folder(), 'native', 'tensorflow-cpu-2.21.0');
    mkdirSync(place, { recursive: true });
    const whole = {
      layout: layoutVersion,
      tensorflow: '2.21.0',
      gpu: false,
      platform: `${process.platform}-${process.arch}`,
      source: 'tensorflow_cpu-2.21.0.whl',
      installed: '2026-01-01T00:00:00.000Z',
      bytes: 1,
    };
    writeFileSync(join(place, 'installation.json'), JSON.stringify({ ...whole, ...change }));
    return place;
  }

  it.each([
    ['of another version', { layout: 0 }, /another version of this package/],
    ['for another platform', { platform: 'plan9-mips' }, /made for plan9-mips/],
    ['that lost a library', {}, /tfjs_binding.node is missing/],
  ])('%s is not used, and the remedy is named', async (_name, change, reason) => {
    record(change);
    expect(await native.probe({})).toMatchObject({
      usable: false,
      reason: expect.stringMatching(reason) as string,
      remedy: 'npx missing-u native install --force',
    });
  });

  it('whose library cannot be loaded says so', async () => {
    const place = record({});
    const backend = join(place, 'js', 'node_modules', '@tensorflow', 'tfjs-node', 'dist');
    mkdirSync(join(place, 'lib'));
    mkdirSync(backend, { recursive: true });
    writeFileSync(join(backend, 'nodejs_kernel_backend.js'), '');
    for (const name of Object.values(libraries)) writeFileSync(join(place, 'lib', name), 'no library');
    expect(await native.probe({})).toMatchObject({ usable: true });
    await expect(native.start({ automatic: false })).rejects.toMatchObject({
      code: 'ENGINE_LOAD_FAILED',
      message: /native install --force/,
    });
  });

  it.runIf(supported)('stays, unless it is asked for another wheel or folder than it was made from', async () => {
    const python = join(folder(), 'venv', 'lib', 'python3.11', 'site-packages', 'tensorflow');
    mkdirSync(python, { recursive: true });
    const place = record({ source: python });
    const backend = join(place, 'js', 'node_modules', '@tensorflow', 'tfjs-node', 'dist');
    mkdirSync(join(place, 'lib'));
    mkdirSync(backend, { recursive: true });
    const files = [
      join(backend, 'nodejs_kernel_backend.js'),
      ...[libraries.binding, libraries.helper, operations.name, functions.name].map((name) => join(place, 'lib', name)),
      ...[libraries.tensorflow, libraries.framework].map((name) => join(python, name)),
    ];
    for (const file of files) writeFileSync(file, '');
    for (const options of [{}, { tensorflow: join(folder(), 'venv') }, { tensorflow: python }]) {
      expect(await installNative(options)).toMatchObject({ folder: place, source: python });
    }
    await expect(installNative({ tensorflow: folder() })).rejects.toMatchObject({ code: 'ENGINE_NOT_FOUND' });
    await expect(installNative({ wheel: join(folder(), 'other.whl') })).rejects.toMatchObject({
      code: 'ENGINE_BAD_WHEEL',
    });
    record({ source: 'other.whl' });
    for (const name of [libraries.tensorflow, libraries.framework]) writeFileSync(join(place, 'lib', name), '');
    expect(await installNative({ wheel: join(folder(), 'other.whl') })).toMatchObject({ source: 'other.whl' });
  });

  it('with a damaged record is not used', async () => {
    writeFileSync(join(record({}), 'installation.json'), '{');
    expect((await native.probe({})).reason).toMatch(/damaged/);
  });

  it('that was interrupted is not seen', async () => {
    mkdirSync(join(folder(), 'native', 'tensorflow-cpu-2.21.0.staging', 'lib'), { recursive: true });
    expect(await findInstallations()).toEqual([]);
  });

  it('is removed with everything around it', async () => {
    record({});
    await removeInstallations();
    expect(readdirSync(folder())).toEqual([]);
  });
});
