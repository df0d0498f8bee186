import { invalidArgument } from '@missing-u/errors';
import { WeightsError } from '../errors.ts';
import { nodeModule } from '../node.ts';
import { withSource } from '../source.ts';
import type { CachedFile } from './download.ts';

/** Checksums that a file has to have, in hexadecimal. */
export interface Digests {
  sha256?: string;
  /** Node only: browsers have no MD5. */
  md5?: string;
}

const lengths = { sha256: 64, md5: 32 } as const;

/** Refuses checksums that no file can have, before anything is read. */
export function checkDigestOptions(expected: Digests): void {
  for (const algorithm of ['sha256', 'md5'] as const) {
    const value: unknown = expected[algorithm];
    if (value === undefined) continue;
    if (typeof value === 'string' && new RegExp(`^[0-9a-f]{${lengths[algorithm]}}$`, 'i').test(value)) continue;
    const allowed = `${lengths[algorithm]} hexadecimal digits`;
    throw new WeightsError('WEIGHTS_BAD_OPTION', invalidArgument({ argument: algorithm, value, allowed }));
  }
}

/** Compares a file with the checksums that are given. */
export async function checkDigests(file: CachedFile, expected: Digests): Promise<void> {
  for (const algorithm of ['sha256', 'md5'] as const) {
    const wanted = expected[algorithm]?.toLowerCase();
    if (wanted === undefined) continue;
    const actual = await digest(file, algorithm);
    if (actual !== wanted) {
      throw new WeightsError(
        'WEIGHTS_CHECKSUM',
        `${file.url} has ${algorithm} ${actual}, but ${wanted} was expected; the file was changed or damaged.`,
      );
    }
  }
}

async function digest(file: CachedFile, algorithm: keyof Digests): Promise<string> {
  return withSource(file, {}, async (source) => {
    const node = nodeModule('node:crypto');
    if (node !== undefined) {
      const hash = node.createHash(algorithm);
      for (let at = 0; at < source.size; at += PIECE)
        hash.update(await source.read(at, Math.min(at + PIECE, source.size)));
      return hash.digest('hex');
    }
    if (algorithm === 'md5') {
      throw new WeightsError('WEIGHTS_BAD_OPTION', 'Browsers have no MD5: give `sha256` instead of `md5`.');
    }
    return hex(await crypto.subtle.digest('SHA-256', await source.read(0, source.size)));
  });
}

const PIECE = 2 ** 22;

export function hex(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
