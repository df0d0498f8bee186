/**
 * Assembles the resampling passes and writes them into src/transforms/kernel-binary.ts.
 *
 *   node assembly/build.mjs          writes the file
 *   import { assemble } ...          for the test that compares it with what is committed
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const options = [
  '-O3',
  '--converge',
  '--noAssert',
  '--runtime',
  'stub',
  '--enable',
  'simd',
  '--use',
  'abort=',
  '--initialMemory',
  '1',
];

/** The module's bytes. */
export async function assemble() {
  let binary;
  const { error, stderr } = await asc.main(['assembly/index.ts', '-o', 'kernel.wasm', ...options], {
    readFile: (name, base) => readFile(`${base}/${name}`, 'utf8').catch(() => null),
    writeFile: (name, contents) => {
      if (name === 'kernel.wasm') binary = contents;
    },
    listFiles: () => [],
    baseDir: fileURLToPath(new URL('..', import.meta.url)),
  });
  if (error) throw new Error(stderr.toString(), { cause: error });
  return binary;
}

/** The TypeScript file that holds them. */
export function sourceOf(binary) {
  const lines = Buffer.from(binary)
    .toString('base64')
    .match(/.{1,116}/g);
  return [
    '// Made by assembly/build.mjs from assembly/*.ts; a test assembles them again and compares.',
    'export const kernelBinary =',
    ...lines.map((line, i) => `  '${line}'${i === lines.length - 1 ? ';' : ' +'}`),
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = new URL('../src/transforms/kernel-binary.ts', import.meta.url);
  await writeFile(target, sourceOf(await assemble()));
}
