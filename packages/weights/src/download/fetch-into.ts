import { WeightsError } from '../errors.ts';
import type { DownloadOptions } from './download.ts';
import type { Store } from './store.ts';

/** What has to be the same for a transfer to be taken up where it broke off (RFC 9110, 13.1.5 If-Range). */
interface Resumable {
  validator: string;
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
  const memory = await store.readText(`${part}.json`);
  const have = memory === undefined ? 0 : ((await store.size(part)) ?? 0);
  const headers: Record<string, string> = {
    'accept-encoding': 'identity',
    ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
    ...options.headers,
    ...(have > 0 && { range: `bytes=${have}-`, 'if-range': (JSON.parse(memory!) as Resumable).validator }),
  };
  const response = await (options.fetch ?? fetch)(url, { headers, ...(signal && { signal }) }).catch(
    (cause: unknown) => {
      signal?.throwIfAborted();
      throw interruption(url, cause);
    },
  );
  if (have > 0 && response.status === 416) {
    // The part is as long as the file or longer: not a beginning of it.
    await store.remove(`${part}.json`);
    throw new Interrupted(new WeightsError('WEIGHTS_HTTP', `${url} cannot be resumed.`), 0);
  }
  if (!response.ok || response.body === null) throw await failure(url, response);
  const start = response.status === 206 ? have : 0;
  const length = response.headers.has('content-encoding') ? null : response.headers.get('content-length');
  const total = length === null ? undefined : start + Number(length);
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
