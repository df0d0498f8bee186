import { invalidArgument, unknownName } from '@missing-u/errors';
import { WeightsError } from '../errors.ts';
import { checkDigestOptions, checkDigests, type Digests } from './digest.ts';
import { checkContent } from './content.ts';
import { fetchInto } from './fetch-into.ts';
import { resolveUrl, type HubFile } from './hub.ts';
import { SharedTransfer } from './shared-transfer.ts';
import { openStore, readRecord, type Store } from './store.ts';

export interface DownloadProgress {
  readonly url: string;
  /** Bytes that are there, those of an earlier attempt included. */
  readonly received: number;
  /** Bytes in all, where the server says it. */
  readonly total: number | undefined;
}

export interface DownloadOptions extends Digests {
  /** Folder of the cache (Node); default `$MISSING_U_CACHE`, or the system's cache folder. Browsers keep it in their private file system. */
  cacheDir?: string;
  /** Takes only what is in the cache; default true where `$MISSING_U_OFFLINE` or `$HF_HUB_OFFLINE` is 1. */
  offline?: boolean;
  /** Called as bytes come, also by a transfer that another call began. */
  onProgress?: (progress: DownloadProgress) => void;
  /** Access token, sent as `Authorization: Bearer`. */
  token?: string;
  headers?: Readonly<Record<string, string>>;
  /** The hub for `hf://` addresses; default `$HF_ENDPOINT`, or https://huggingface.co. */
  endpoint?: string;
  /** How often a broken transfer is taken up again before it fails; default 3. */
  retries?: number;
  /** Ends this call; a transfer that other calls wait for goes on. */
  signal?: AbortSignal;
  fetch?: typeof fetch;
}

/** A file in the cache: at a path in Node, as a blob that is read from disk in browsers. */
export interface CachedFile {
  readonly url: string;
  readonly size: number;
  readonly path?: string;
  readonly blob?: Blob;
}

/** What is known about a cached file besides its bytes. */
interface Receipt {
  url: string;
  size: number;
}

const RECEIPT = 'receipt.json';
const underWay = new Map<string, SharedTransfer>();

/**
 * Downloads a file once and keeps it: an address (`https:`, `hf://owner/name/file`, `hf://owner/name@revision/file`) or a file
 * of a Hugging Face repository. A broken transfer is resumed, the finished file appears in one step, a checksum that was
 * given is checked each time, and a web page in place of the file (log-in, quota) is recognised.
 *
 * @throws WeightsError `WEIGHTS_CHECKSUM`, `WEIGHTS_OFFLINE`, `WEIGHTS_NOT_FOUND`, `WEIGHTS_FORBIDDEN`, `WEIGHTS_QUOTA`,
 * `WEIGHTS_NOT_A_FILE`, `WEIGHTS_HTTP` or `WEIGHTS_NETWORK`; `WEIGHTS_BAD_OPTION` for an option that is not known.
 */
export async function download(what: string | URL | HubFile, options: DownloadOptions = {}): Promise<CachedFile> {
  if (typeof options !== 'object' || (options as unknown) === null) {
    const bad = { argument: 'options', value: options, allowed: 'an object' };
    throw new WeightsError('WEIGHTS_BAD_OPTION', invalidArgument(bad));
  }
  for (const name of Object.keys(options)) {
    if (!optionNames.includes(name))
      throw new WeightsError('WEIGHTS_BAD_OPTION', unknownName('option', name, optionNames));
  }
  return downloadFor(what, options);
}

const optionNames = 'sha256 md5 cacheDir offline onProgress token headers endpoint retries signal fetch'.split(' ');

/** `download` for those who read the file, whose options hold some of their own. */
export async function downloadFor(what: string | URL | HubFile, options: DownloadOptions): Promise<CachedFile> {
  checkDigestOptions(options);
  const url = resolveUrl(what, options.endpoint);
  const store = await openStore(url, options.cacheDir);
  options.signal?.throwIfAborted();
  // Two requests for one file at the same time share the transfer, where they ask for it in the same way.
  const { sha256, md5, offline, token, headers } = options;
  const key = JSON.stringify([store.key, sha256, md5, offline, token, headers]);
  let transfer = underWay.get(key);
  if (transfer === undefined) {
    const started: SharedTransfer = new SharedTransfer(
      (shared) => obtain(url, store, { ...options, ...shared }).finally(forget),
      forget,
    );
    function forget() {
      if (underWay.get(key) === started) underWay.delete(key);
    }
    underWay.set(key, (transfer = started));
  }
  return transfer.join(options);
}

async function obtain(url: string, store: Store, options: DownloadOptions): Promise<CachedFile> {
  const name = fileName(url);
  const offline =
    options.offline ?? (environment('MISSING_U_OFFLINE') === '1' || environment('HF_HUB_OFFLINE') === '1');
  const cached = await fromCache(url, store, name, options);
  if (cached === 'checksum' && offline) {
    throw new WeightsError(
      'WEIGHTS_CHECKSUM',
      `The cached file of ${url} has another checksum than asked for, and downloads are off.`,
    );
  }
  if (cached !== 'absent' && cached !== 'checksum') return cached;
  if (offline) {
    throw new WeightsError(
      'WEIGHTS_OFFLINE',
      `${url} is not in the cache (${store.key}), and downloads are off; allow them once, or give the file itself.`,
    );
  }
  const unlock = await store.lock();
  // While another process loads the same file, this one works on a part of its own: no waiting, and the last rename wins.
  const part = unlock === undefined ? `part-${crypto.randomUUID()}` : 'part';
  try {
    await fetchInto(store, part, url, options);
    const file = await store.file(part, url);
    await checkContent(file, name);
    await checkDigests(file, options);
    await store.move(part, name);
    const receipt: Receipt = { url, size: file.size };
    await store.writeText(RECEIPT, JSON.stringify(receipt));
    return await store.file(name, url);
  } catch (error) {
    // What came is wrong as a whole, so that there is nothing to resume.
    if (
      error instanceof WeightsError &&
      ['WEIGHTS_CHECKSUM', 'WEIGHTS_NOT_A_FILE', 'WEIGHTS_QUOTA'].includes(error.code)
    ) {
      await store.remove(part);
    }
    throw error;
  } finally {
    await unlock?.();
  }
}

async function fromCache(
  url: string,
  store: Store,
  name: string,
  options: Digests,
): Promise<CachedFile | 'absent' | 'checksum'> {
  const receipt: Partial<Receipt> | undefined = await readRecord(store, RECEIPT);
  if (receipt === undefined || (await store.size(name)) === undefined) return 'absent';
  const file = await store.file(name, url);
  if (receipt.size !== file.size) return 'absent';
  try {
    // Each time, as a file that was damaged or changed since looks like the one that was checked.
    await checkDigests(file, options);
    return file;
  } catch (error) {
    if (error instanceof WeightsError && error.code === 'WEIGHTS_CHECKSUM') return 'checksum';
    throw error;
  }
}

/** The last part of the address, as a name that every file system takes. */
function fileName(url: string): string {
  const last = new URL(url).pathname.replace(/^.*\//, '');
  return (
    decoded(last)
      .replace(/[^\w.-]/g, '_')
      .replace(/^\.+$/, '')
      .slice(-100) || 'file'
  );
}

/** An address may hold a % that begins no letter; it is a name then as it is. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function environment(name: string): string | undefined {
  return typeof process === 'undefined' ? undefined : process.env[name];
}
