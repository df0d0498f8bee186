import type { CachedFile, DownloadProgress } from './download.ts';

/** What one of the callers that wait for a transfer has to say and wants to hear. */
interface Caller {
  signal: AbortSignal;
  onProgress: (progress: DownloadProgress) => void;
}

/** One transfer that several callers wait for: all hear of its progress, and it goes on until the last of them has given up. */
export class SharedTransfer {
  readonly #controller = new AbortController();
  readonly #callers = new Map<object, (progress: DownloadProgress) => void>();
  readonly #file: Promise<CachedFile>;
  readonly #abandoned: () => void;

  /** @param abandoned called when nobody waits any more, so that those who come now do not join what is ending */
  constructor(start: (caller: Caller) => Promise<CachedFile>, abandoned: () => void) {
    this.#abandoned = abandoned;
    const onProgress = (progress: DownloadProgress) => {
      for (const report of [...this.#callers.values()]) report(progress);
    };
    this.#file = start({ signal: this.#controller.signal, onProgress });
  }

  /** The file, for one caller: its own signal ends its waiting, and so does an error that its `onProgress` throws. */
  async join({ signal, onProgress }: Partial<Caller>): Promise<CachedFile> {
    const key = {};
    let leave!: (reason: unknown) => void;
    const left = new Promise<never>((_, reject) => {
      leave = (reason) => {
        if (!this.#callers.delete(key)) return;
        // The last one waits for the end, so that what is there of the file is in order when it comes again.
        if (this.#callers.size > 0) return reject(reason);
        this.#abandoned();
        this.#controller.abort(reason);
      };
    });
    this.#callers.set(key, (progress) => {
      try {
        onProgress?.(progress);
      } catch (error) {
        leave(error);
      }
    });
    const onAbort = () => leave(signal!.reason);
    signal?.addEventListener('abort', onAbort);
    try {
      return await Promise.race([left, this.#file]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#callers.delete(key);
    }
  }
}
