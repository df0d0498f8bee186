import { nodeModule } from '../node.ts';
import { writeFileAtomically } from '../write-file.ts';
import type { Store } from './store.ts';

/** A folder `<cacheDir>/<hash of the address>`. */
export async function openNodeStore(url: string, cacheDir = defaultCacheDir()): Promise<Store> {
  const fs = nodeModule('node:fs/promises')!;
  const { join } = nodeModule('node:path')!;
  const hash = nodeModule('node:crypto')!.createHash('sha256').update(url).digest('hex');
  const folder = join(cacheDir, hash.slice(0, 16));
  const path = (name: string) => join(folder, name);
  const absent = (error: unknown) => {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
    return undefined;
  };
  return {
    key: folder,
    size: async (name) => (await fs.stat(path(name)).catch(absent))?.size,
    readText: (name) => fs.readFile(path(name), 'utf8').catch(absent),
    async writeText(name, text) {
      await fs.mkdir(folder, { recursive: true });
      await writeFileAtomically(path(name), [new TextEncoder().encode(text)]);
    },
    async writer(name, start) {
      await fs.mkdir(folder, { recursive: true });
      const file = await fs.open(path(name), start === 0 ? 'w' : 'r+');
      await file.truncate(start);
      let position = start;
      return {
        async write(bytes) {
          for (let done = 0; done < bytes.length;) {
            const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position);
            done += bytesWritten;
            position += bytesWritten;
          }
        },
        close: () => file.close(),
      };
    },
    move: (from, to) => fs.rename(path(from), path(to)),
    remove: (name) => fs.rm(path(name), { force: true }),
    file: async (name, from) => ({ url: from, path: path(name), size: (await fs.stat(path(name))).size }),
    async lock() {
      await fs.mkdir(folder, { recursive: true });
      const take = async () => {
        await fs.writeFile(path('lock'), String(process.pid), { flag: 'wx' });
        return () => fs.rm(path('lock'), { force: true });
      };
      try {
        return await take();
      } catch (error) {
        if ((error as { code?: string }).code !== 'EEXIST') throw error;
        const owner = Number(await fs.readFile(path('lock'), 'utf8').catch(absent));
        if (owner === process.pid || isRunning(owner)) return undefined;
        // Its process has ended without clearing up.
        await fs.rm(path('lock'), { force: true });
        return take().catch(() => undefined);
      }
    },
  };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

/** `$MISSING_U_CACHE`, or `missing-u` in the folder that the system has for caches. */
function defaultCacheDir(): string {
  const { join } = nodeModule('node:path')!;
  const home = nodeModule('node:os')!.homedir();
  const { MISSING_U_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (MISSING_U_CACHE !== undefined) return MISSING_U_CACHE;
  if (process.platform === 'win32') return join(LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'missing-u');
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches', 'missing-u');
  return join(XDG_CACHE_HOME ?? join(home, '.cache'), 'missing-u');
}
