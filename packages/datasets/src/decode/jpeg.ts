import type { Image } from '../image.ts';
import { requirePackage } from '../platform.ts';

/** What we use of `@cornerstonejs/codec-libjpeg-turbo-8bit`, libjpeg-turbo as WebAssembly. */
interface Codec {
  JPEGDecoder: new () => {
    getEncodedBuffer(length: number): Uint8Array;
    decode(): void;
    getDecodedBuffer(): Uint8Array;
    getFrameInfo(): { width: number; height: number; componentCount: number };
  };
}

let starting: Promise<InstanceType<Codec['JPEGDecoder']>> | undefined;

/**
 * Decodes a JPEG file (Node): libjpeg-turbo, so the pixels are those of Pillow, at its speed. A file that the library
 * warns about, a truncated one for example, is an error.
 */
export async function decodeJpeg(bytes: Uint8Array): Promise<Image> {
  starting ??= start();
  const decoder = await starting;
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
  } catch (cause) {
    // The library was left in the middle of a picture, with its memory: begin afresh.
    starting = undefined;
    throw new Error('libjpeg-turbo cannot decode it', { cause });
  }
  const { width, height, componentCount } = decoder.getFrameInfo();
  const { buffer, byteOffset, length } = decoder.getDecodedBuffer();
  return { data: new Uint8Array(buffer, byteOffset, length).slice(), shape: [height, width, componentCount] };
}

async function start(): Promise<InstanceType<Codec['JPEGDecoder']>> {
  const load = requirePackage('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs') as () => Promise<Codec>;
  return new (await load()).JPEGDecoder();
}
