import { WeightsError } from '../errors.ts';
import { crc32 } from './crc32.ts';

/** The pieces of a zip file of the given contents, in order; deflated on request. */
export async function zipPieces(
  files: Iterable<readonly [name: string, bytes: Uint8Array<ArrayBuffer>]>,
  compress: boolean,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let position = 0;
  for (const [name, bytes] of files) {
    const body = compress ? await deflate(bytes) : bytes;
    const encoded = new TextEncoder().encode(name);
    if (bytes.length >= 2 ** 32 || position + body.length >= 2 ** 32) {
      throw new WeightsError(
        'WEIGHTS_TOO_LARGE',
        `'${name}' brings the zip file beyond 4 GiB; save as safetensors instead.`,
      );
    }
    // Fields that the local header and the directory share: version, flags (UTF-8 names), method, time, date, CRC, sizes.
    const common = fields(
      [20, 2],
      [0x800, 2],
      [compress ? 8 : 0, 2],
      [0, 2],
      [0x21, 2],
      [crc32(bytes), 4],
      [body.length, 4],
      [bytes.length, 4],
      [encoded.length, 2],
      [0, 2],
    );
    pieces.push(fields([0x04034b50, 4]), common, encoded, body);
    directory.push(
      fields([0x02014b50, 4], [20, 2]),
      common,
      fields([0, 2], [0, 2], [0, 2], [0, 4], [position, 4]),
      encoded,
    );
    position += 4 + common.length + encoded.length + body.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const count = directory.length / 4;
  const end = fields([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [position, 4], [0, 2]);
  return [...pieces, ...directory, end];
}

/** Little-endian integers, each of 2 or 4 bytes. */
function fields(...values: readonly [value: number, bytes: 2 | 4][]): Uint8Array<ArrayBuffer> {
  const out = new DataView(new ArrayBuffer(values.reduce((sum, [, bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [value, bytes] of values) {
    if (bytes === 2) out.setUint16(at, value, true);
    else out.setUint32(at, value, true);
    at += bytes;
  }
  return new Uint8Array(out.buffer);
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
