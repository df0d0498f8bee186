import { nodeModule } from '../platform.ts';
import type { Image } from '../image.ts';

/** Encodes a picture of bytes, grey or RGB, as a PNG file (Node). */
export function encodePng({ data, shape: [height, width, channels] }: Image): Uint8Array {
  const zlib = nodeModule('node:zlib');
  const row = width * channels;
  const lines = new Uint8Array(height * (row + 1));
  for (let y = 0; y < height; y++) lines.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits; colour type 0 is grey, 2 is RGB.
  header.set([8, channels === 1 ? 0 : 2, 0, 0, 0], 8);
  const chunk = (type: string, body: Uint8Array) => {
    const out = Buffer.alloc(12 + body.length);
    out.writeUInt32BE(body.length, 0);
    out.write(type, 4, 'latin1');
    out.set(body, 8);
    out.writeUInt32BE(zlib.crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
    return out;
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', zlib.deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
