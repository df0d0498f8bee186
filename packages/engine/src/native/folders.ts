import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where installations live: one folder for all projects of a user, in the place that the system has for caches. */
export function nativeFolder(): string {
  return join(cacheFolder(), 'native');
}

function cacheFolder(): string {
  const own = process.env['MISSING_U_CACHE'];
  if (own) return own;
  const name = 'missing-u';
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', name);
  if (process.platform === 'win32') return join(process.env['LOCALAPPDATA'] ?? homedir(), name, 'Cache');
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), name);
}
