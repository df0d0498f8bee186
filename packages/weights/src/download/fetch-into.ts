import { WeightsError } from '../errors.ts';
import type { DownloadOptions } from './download.ts';
import { readRecord, type Store } from './store.ts';

/** What is kept beside a part: what has to be the same for a transfer to be taken up (RFC 9110, 13.1.5 If-Range). */
interface Resumable {
  validator: string;
}

/** The beginning of a file that an earlier attempt left. */
interface Beginning extends Resumable {
  size: number;
}

/** The error that another attempt may cure. */
class Interrupted extends Error {
  constructor(
    readonly failure: WeightsError,
    readonly waitSeconds?: number,
  ) {
    super(failure.message);
  }
}

/** Brings the whole of `url` into the part, going on after breaks, within this call and from earlier ones. */
export async function fetchInto(store: Store, part: string, url: string, options: DownloadOptions): Promise<void> {
  const { retries = 3, signal } = options;
  for (let attempt = 0; ; attempt++) {
    try {
      await attemptOnce(store, part, url, options);
      await store.remove(`${part}.json`);
      return;
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      if (attempt >= retries) throw error.failure;
      await sleep(error.waitSeconds ?? 0.25 * 2 ** attempt, signal);
    }
  }
}

async function attemptOnce(store: Store, part: string, url: string, options: DownloadOptions): Promise<void> {
  const { signal, onProgress } = options;
  const beginning = await beginningOf(store, part);
  const have = beginning?.size ?? 0;
  const headers: Record<string, string> = {
    'accept-encoding': 'identity',
    ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
    ...options.headers,
    ...(beginning && { range: `bytes=${have}-`, 'if-range': beginning.validator }),
  };
  const response = await (options.fetch ?? fetch)(url, { headers, ...(signal && { signal }) }).catch(
    (cause: unknown) => {
      signal?.throwIfAborted();
      throw interruption(url, cause);
    },
  );
  const range = rangeOf(response);
  // A part as long as the file or longer is not a beginning of it (416), and other bytes than asked for do not belong behind it.
  if ((have > 0 && response.status === 416) || (range !== undefined && range.start !== have)) {
    await response.body?.cancel();
    await store.remove(`${part}.json`);
    throw new Interrupted(new WeightsError('WEIGHTS_HTTP', `${url} cannot be resumed.`), 0);
  }
  if (!response.ok || response.body === null) throw await failure(url, response);
  const start = response.status === 206 ? have : 0;
  const length = response.headers.has('content-encoding') ? null : response.headers.get('content-length');
  const total = range?.total ?? (length === null ? undefined : start + Number(length));
  if (start === 0) await rememberValidator(store, part, response);

  const writer = await store.writer(part, start);
  let received = start;
  try {
    const reader = response.body.getReader();
    for (;;) {
      const piece = await reader.read().catch((cause: unknown) => {
        signal?.throwIfAborted();
        throw interruption(url, cause);
      });
      if (piece.done) break;
      await writer.write(piece.value);
      received += piece.value.length;
      onProgress?.({ url, received, total });
    }
  } finally {
    await writer.close();
  }
  if (total !== undefined && received !== total)
    throw interruption(url, new Error(`${received} of ${total} bytes came`));
}

async function beginningOf(store: Store, part: string): Promise<Beginning | undefined> {
  const { validator }: Partial<Record<keyof Resumable, unknown>> = (await readRecord(store, `${part}.json`)) ?? {};
  const size = await store.size(part);
  return typeof validator === 'string' && size !== undefined && size > 0 ? { validator, size } : undefined;
}

/** Which part of how many bytes an answer 206 brings; undefined where it does not say, as pages of other origins may not see it. */
function rangeOf({ status, headers }: Response): { start: number; total: number | undefined } | undefined {
  const found = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec((status === 206 && headers.get('content-range')) || '');
  if (found === null) return undefined;
  return { start: Number(found[1]), total: found[2] === '*' ? undefined : Number(found[2]) };
}

/** Only a strong validator tells that the rest belongs to the same file; without one, the next attempt starts anew. */
async function rememberValidator(store: Store, part: string, response: Response): Promise<void> {
  const etag = response.headers.get('etag');
  const validator = etag?.startsWith('W/') === false ? etag : response.headers.get('last-modified');
  if (validator === null || response.headers.has('content-encoding')) await store.remove(`${part}.json`);
  else await store.writeText(`${part}.json`, JSON.stringify({ validator } satisfies Resumable));
}

function interruption(url: string, cause: unknown): Interrupted {
  const { message, cause: deeper } = cause as Error;
  const why = deeper instanceof Error ? `${message}: ${deeper.message}` : message;
  return new Interrupted(new WeightsError('WEIGHTS_NETWORK', `The transfer of ${url} broke off: ${why}.`, { cause }));
}

async function failure(url: string, response: Response): Promise<Error> {
  const { status } = response;
  await response.body?.cancel();
  if (status === 404 || status === 410)
    return new WeightsError('WEIGHTS_NOT_FOUND', `${url} does not exist (HTTP ${status}).`);
  if (status === 401 || status === 403) {
    const remedy = 'give a `token` that may read it, and accept the terms of the repository where it has some';
    return new WeightsError('WEIGHTS_FORBIDDEN', `${url} may not be read (HTTP ${status}); ${remedy}.`);
  }
  const error = new WeightsError('WEIGHTS_HTTP', `${url} cannot be had: the server answers HTTP ${status}.`);
  if (status !== 408 && status !== 429 && status < 500) return error;
  const wait = Number(response.headers.get('retry-after') ?? NaN);
  return new Interrupted(error, Number.isFinite(wait) ? Math.min(wait, 30) : undefined);
}

function sleep(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}
