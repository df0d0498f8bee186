import type { Image } from '../image.ts';
import { nodeModule } from '../platform.ts';

/** What we use of `@jsquash/webp`, libwebp as WebAssembly. */
interface Codec {
  /** Four channels, in memory of its own; null where it cannot be decoded. */
  decode(bytes: Uint8Array): { data: Uint8ClampedArray<ArrayBuffer>; width: number; height: number } | null;
}

interface CodecModule {
  default(options: {
    noInitialRun: boolean;
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): WebAssembly.Exports;
  }): Promise<Codec>;
}

let starting: Promise<Codec> | undefined;

/** Decodes a WebP file (Node): libwebp, so the pixels are those of Pillow. Animations are not its business. */
export async function decodeWebp(bytes: Uint8Array): Promise<Image> {
  starting ??= start();
  const codec = await starting;
  const result = codec.decode(bytes);
  if (result === null) throw new Error('libwebp cannot decode it');
  const { data, width, height } = result;
  return { data: new Uint8Array(data.buffer), shape: [height, width, 4] };
}

async function start(): Promise<Codec> {
  const { createRequire } = nodeModule('node:module');
  const file = (name: string) => createRequire(import.meta.url).resolve(`@jsquash/webp/codec/dec/${name}`);
  const binary = nodeModule('node:fs').readFileSync(file('webp_dec.wasm'));
  const wasm = await WebAssembly.compile(binary);
  // By a name at run time: bundlers for browsers, which decode with a canvas, have nothing to follow.
  const { href } = nodeModule('node:url').pathToFileURL(file('webp_dec.js'));
  const codec = (await import(href)) as CodecModule;
  return codec.default({
    noInitialRun: true,
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(wasm, imports);
      done(instance);
      return instance.exports;
    },
  });
}
