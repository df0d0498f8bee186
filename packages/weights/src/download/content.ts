import { WeightsError } from '../errors.ts';
import { withSource } from '../source.ts';
import type { CachedFile } from './download.ts';

/** Refuses what servers send in place of a file: web pages (log-in, quota, virus scan) and Git LFS pointers. */
export async function checkContent(file: CachedFile, name: string): Promise<void> {
  const text = await withSource(file, {}, async (source) =>
    new TextDecoder().decode(await source.read(0, Math.min(source.size, 4096))),
  );
  if (text.startsWith('version https://git-lfs.github.com/spec')) {
    throw new WeightsError(
      'WEIGHTS_NOT_A_FILE',
      `${file.url} is a Git LFS pointer, not the file; use the address of the download.`,
    );
  }
  if (/\.x?html?$/.test(name) || !/^\s*(<!doctype html|<html)/i.test(text.replace(/^\ufeff/, ''))) return;
  const title = /<title>([^<]*)<\/title>/i.exec(text)?.[1]?.trim() ?? 'without title';
  if (/quota exceeded|too many users have viewed or downloaded/i.test(text)) {
    throw new WeightsError(
      'WEIGHTS_QUOTA',
      `${file.url} has used up its quota ("${title}"); try later, or another address.`,
    );
  }
  throw new WeightsError(
    'WEIGHTS_NOT_A_FILE',
    `${file.url} gave a web page ("${title}") in place of the file; it may ask to log in or to confirm. Open it in a browser once to see.`,
  );
}
