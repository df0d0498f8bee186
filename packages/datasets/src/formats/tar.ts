import { DatasetError } from '../errors.ts';
import { checkPath } from './zip.ts';

const BLOCK = 512;

/**
 * The files of a tar archive (POSIX ustar). Folders are left out; links and devices are refused.
 *
 * @throws DatasetError `DATASETS_TRUNCATED`, `DATASETS_CORRUPT_ARCHIVE`, `DATASETS_UNSAFE_ARCHIVE`
 */
export function* tarEntries(bytes: Uint8Array, name: string): Generator<{ name: string; bytes: Uint8Array }> {
  for (let at = 0; ;) {
    const header = bytes.subarray(at, at + BLOCK);
    if (header.length < BLOCK) throw truncated(name);
    if (header.every((byte) => byte === 0)) return;
    if (checksum(header) !== octal(header, 148, 8)) {
      throw new DatasetError('DATASETS_CORRUPT_ARCHIVE', `${name} is damaged: a header of it has a wrong checksum.`);
    }
    const size = octal(header, 124, 12);
    const prefix = text(header, 345, 155);
    const path = (prefix === '' ? '' : `${prefix}/`) + text(header, 0, 100);
    const type = text(header, 156, 1);
    const end = at + BLOCK + size;
    if (end > bytes.length) throw truncated(name);
    checkPath(path, name);
    if (type === '' || type === '0') yield { name: path, bytes: bytes.subarray(at + BLOCK, end) };
    else if (!['5', 'x', 'g'].includes(type)) {
      throw new DatasetError(
        'DATASETS_UNSAFE_ARCHIVE',
        `'${path}' in ${name} is a link or a device; it is not unpacked.`,
      );
    }
    at = at + BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** The sum of the header's bytes, with spaces where the sum itself stands. */
function checksum(header: Uint8Array): number {
  return header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0);
}

function text(header: Uint8Array, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder('latin1').decode(end === -1 ? field : field.subarray(0, end));
}

function octal(header: Uint8Array, start: number, length: number): number {
  return parseInt(text(header, start, length).trim(), 8);
}

function truncated(name: string): DatasetError {
  return new DatasetError('DATASETS_TRUNCATED', `${name} is cut short; fetch it again.`);
}
