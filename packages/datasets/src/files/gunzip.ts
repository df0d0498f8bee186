import { DatasetError } from '../errors.ts';
import { inNode, nodeModule } from '../platform.ts';

/** Whether bytes begin like a gzip file. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** @throws DatasetError `DATASETS_TRUNCATED`, `DATASETS_CORRUPT_ARCHIVE` */
export async function gunzip(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return inNode ? await gunzipNode(bytes) : await gunzipWeb(bytes);
  } catch (cause) {
    const { message } = cause as Error;
    const truncated = /unexpected end|incomplete|truncated/i.test(message);
    throw new DatasetError(
      truncated ? 'DATASETS_TRUNCATED' : 'DATASETS_CORRUPT_ARCHIVE',
      `${name} ${truncated ? 'is cut short' : 'is damaged'} (${message}); fetch it again.`,
      { cause },
    );
  }
}

function gunzipNode(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    nodeModule('node:zlib').gunzip(bytes, (error, result) => {
      if (error !== null) reject(error);
      else resolve(new Uint8Array(result.buffer, result.byteOffset, result.byteLength));
    });
  });
}

async function gunzipWeb(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
