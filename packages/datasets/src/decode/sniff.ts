import { isWebPage } from '../formats/web-page.ts';

/** What a file is, by its first bytes: names and extensions of pictures are often wrong (LSUN's are). */
export type Format = 'jpeg' | 'png' | 'webp' | 'gif' | 'bmp' | 'pnm' | 'tiff' | 'avif' | 'html' | 'unknown';

const startsWith = (bytes: Uint8Array, text: string, at = 0) =>
  bytes.length >= at + text.length && [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));

const SIGNS: readonly (readonly [Format, (bytes: Uint8Array) => boolean])[] = [
  ['jpeg', (bytes) => startsWith(bytes, '\xff\xd8\xff')],
  ['png', (bytes) => startsWith(bytes, '\x89PNG\r\n\x1a\n')],
  ['webp', (bytes) => startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8)],
  ['gif', (bytes) => startsWith(bytes, 'GIF8')],
  ['bmp', (bytes) => startsWith(bytes, 'BM')],
  ['pnm', (bytes) => /^P[1-6][\s#]/.test(String.fromCharCode(...bytes.subarray(0, 3)))],
  ['tiff', (bytes) => startsWith(bytes, 'II*\0') || startsWith(bytes, 'MM\0*')],
  ['avif', (bytes) => startsWith(bytes, 'ftypavif', 4)],
  ['html', (bytes) => isWebPage(String.fromCharCode(...bytes.subarray(0, 64)))],
];

/** The format of an encoded picture. */
export function sniff(bytes: Uint8Array): Format {
  return SIGNS.find(([, matches]) => matches(bytes))?.[0] ?? 'unknown';
}
