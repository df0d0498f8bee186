import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { DiffusionError } from '../errors.ts';
import { outputError, removeQuietly } from './files.ts';

/** Who holds a lock. */
interface Owner {
  pid: number;
  host: string;
  /** When the process was started, where the system tells: a number that is used again is another process. */
  started?: string;
}

/**
 * Takes the lock of a run's folder, so that two trainers never write to the same run; returns the function that gives it
 * back. A lock whose process is gone (a crash, kill -9) is taken over.
 *
 * @throws DiffusionError `DIFFUSION_RUN_LOCKED`, `DIFFUSION_OUTPUT_NOT_WRITABLE`
 */
export function lockRun(folder: string): () => void {
  return takeLock(folder, 'run.lock');
}

/** As `lockRun` for a part of the work in a folder; undefined where another process has it. */
export function tryLock(folder: string, name: string): (() => void) | undefined {
  try {
    return takeLock(folder, name);
  } catch (error) {
    if ((error as DiffusionError).code === 'DIFFUSION_RUN_LOCKED') return undefined;
    throw error;
  }
}

function takeLock(folder: string, name: string): () => void {
  const path = join(folder, name);
  const own = join(folder, `.${name}.${process.pid}.tmp`);
  try {
    writeFileSync(own, JSON.stringify(ownerOf(process.pid)));
    for (;;) {
      // A link appears with its content or not at all, and only where there is none yet.
      if (tryLink(own, path)) return () => rmSync(path, { force: true });
      refuseLiving(path);
      // Of several that find the owner gone, one moves the lock away; what it then holds may be the new lock of another.
      const taken = join(folder, `.${name}.${process.pid}.old.tmp`);
      if (!tryMove(path, taken)) continue;
      try {
        refuseLiving(taken);
      } catch (error) {
        tryLink(taken, path);
        throw error;
      } finally {
        rmSync(taken, { force: true });
      }
    }
  } catch (error) {
    throw error instanceof DiffusionError ? error : outputError(path, error);
  } finally {
    removeQuietly(own);
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function tryMove(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function refuseLiving(path: string): void {
  const owner = readOwner(path);
  if (owner === undefined || !isAlive(owner)) return;
  const where = owner.host === hostname() ? '' : ` on ${owner.host}`;
  const remedy = where === '' ? '' : ` If it is gone, remove \`${path}\`.`;
  const message = `Process ${owner.pid}${where} is training in \`${dirname(path)}\`. Stop it first, or name another folder.${remedy}`;
  throw new DiffusionError('DIFFUSION_RUN_LOCKED', message);
}

function readOwner(path: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Owner | number;
    return typeof owner === 'number' ? { pid: owner, host: hostname() } : owner; // Locks of 0.1.0 held a number alone.
  } catch {
    return undefined; // It is gone, or was cut off by a crash of the machine.
  }
}

function ownerOf(pid: number): Owner {
  const started = startOf(pid);
  return { pid, host: hostname(), ...(started !== undefined && { started }) };
}

/** The start time of a process in the ticks of Linux; undefined elsewhere, and for one that ended and was not waited for. */
function startOf(pid: number): string | undefined {
  try {
    // From field 3 on; the second one is the program's name, which may hold spaces and brackets.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Whether a process of this machine with this number runs. */
export function isRunning(pid: number): boolean {
  return isAlive({ pid, host: hostname() });
}

function isAlive({ pid, host, started }: Owner): boolean {
  if (host !== hostname()) return true;
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return started === undefined || startOf(pid) === started;
}
