import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiffusionError } from '../errors.ts';
import { outputError } from './files.ts';

/**
 * Takes the lock of a run's folder, so that two trainers never write to the same run; returns the function that gives it
 * back. A lock whose process is gone (a crash, kill -9) is taken over.
 *
 * @throws DiffusionError `DIFFUSION_RUN_LOCKED`
 */
export function lockRun(folder: string): () => void {
  const path = join(folder, 'run.lock');
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw outputError(path, error);
    }
    const owner = Number(readFileSync(path, 'utf8'));
    if (isAlive(owner)) {
      const message = `Process ${owner} is training in \`${folder}\`. Stop it first, or name another folder.`;
      throw new DiffusionError('DIFFUSION_RUN_LOCKED', message);
    }
    rmSync(path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
