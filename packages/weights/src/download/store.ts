import { nodeModule } from '../node.ts';
import type { CachedFile } from './download.ts';
import { openBrowserStore } from './browser-store.ts';
import { openNodeStore } from './node-store.ts';

/** The folder of the cache that belongs to one address. */
export interface Store {
  /** Where it is, for messages and to tell one from another. */
  readonly key: string;
  /** Bytes of a file, or undefined where there is none. */
  size(name: string): Promise<number | undefined>;
  readText(name: string): Promise<string | undefined>;
  /** In one step: a reader finds the old text or the new one. */
  writeText(name: string, text: string): Promise<void>;
  /** Writes from byte `start` on; what was behind it is gone. */
  writer(name: string, start: number): Promise<StoreWriter>;
  move(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  file(name: string, url: string): Promise<CachedFile>;
  /** Takes the store for this process and returns how to let it go, or undefined while another has it. */
  lock(): Promise<(() => Promise<void>) | undefined>;
}

export interface StoreWriter {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
}

export function openStore(url: string, cacheDir?: string): Promise<Store> {
  return nodeModule('node:fs/promises') === undefined ? openBrowserStore(url) : openNodeStore(url, cacheDir);
}

/** A file of the store as a JSON object; undefined where there is none, and for what is left of a write that was cut off. */
export async function readRecord(store: Store, name: string): Promise<Record<string, unknown> | undefined> {
  const text = await store.readText(name);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
