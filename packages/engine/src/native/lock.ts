import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EngineError } from '../errors.ts';

/** Runs `work` while a lock file holds off other processes; the lock of a process that is no more counts for nothing. */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  await take(file);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function take(file: string, again = true): Promise<void> {
  // Written aside and then linked, so that there is no moment in which it says nothing.
  const own = `${file}.${process.pid}`;
  try {
    await writeFile(own, String(process.pid));
    await link(own, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    const owner = Number(await readFile(file, 'utf8').catch(() => ''));
    if (isRunning(owner) || !again) {
      const message = `Another installation is running (process ${owner}); wait for it to end. If there is none, delete ${file}.`;
      throw new EngineError('ENGINE_INSTALL_RUNNING', message, { cause });
    }
    await rm(file, { force: true });
    await take(file, false);
  } finally {
    await rm(own, { force: true });
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
