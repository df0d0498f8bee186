import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../errors.ts';
import { lastLines, runCommand } from './command.ts';
import type { NpmPackage } from './releases.ts';

/**
 * Gets a package's files with the user's own npm (so its registry and proxy settings hold), without running a script of it,
 * and puts them into `folder`. The tarball's hash is compared with the one written down here.
 */
export async function fetchPackage({ name, version, integrity }: NpmPackage, staging: string, folder: string) {
  await mkdir(staging, { recursive: true });
  await mkdir(folder, { recursive: true });
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const spec = `${name}@${version}`;
  const packed = await runCommand(npm, ['pack', spec, '--json', '--ignore-scripts', '--pack-destination', staging], {
    cwd: staging,
    // Its cache and logs stay in this folder too.
    env: { npm_config_cache: join(staging, 'npm'), npm_config_update_notifier: 'false' },
  });
  if (packed.status !== 0) {
    const message = `npm could not get ${spec}; check the network and npm's registry setting. It said:\n${lastLines(packed.output)}`;
    throw new EngineError('ENGINE_DOWNLOAD_FAILED', message);
  }
  const tarball = join(staging, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
  const actual = `sha512-${createHash('sha512')
    .update(await readFile(tarball))
    .digest('base64')}`;
  if (actual !== integrity) {
    const message = `${spec} has another hash than the one known to this package (${actual}); ask the keeper of your registry.`;
    throw new EngineError('ENGINE_DOWNLOAD_FAILED', message);
  }
  const unpacked = await runCommand('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
  if (unpacked.status !== 0) {
    throw new EngineError('ENGINE_DOWNLOAD_FAILED', `tar could not unpack ${tarball}:\n${lastLines(unpacked.output)}`);
  }
}
