import { existsSync, readFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

/**
 * The one build configuration of all packages. What is built follows from the package's own manifest: every export that
 * names a source (`@missing-u/source`) is an entry with types; the sources of its private imports (`#name`), `src/bin.ts`
 * and workers (`*.worker.ts`) are entries without types.
 */
interface Manifest {
  exports: Record<string, string | { '@missing-u/source'?: string }>;
  imports?: Record<string, Record<string, { '@missing-u/source': string }>>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const exported = Object.values(manifest.exports).flatMap((entry) =>
  typeof entry === 'string' ? [] : (entry['@missing-u/source'] ?? []),
);
const privates = Object.values(manifest.imports ?? {}).flatMap((conditions) =>
  Object.values(conditions).map((entry) => entry['@missing-u/source']),
);
const programs = existsSync('src/bin.ts') ? ['src/bin.ts'] : [];

const shared = {
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  splitting: true,
  sourcemap: true,
  outDir: 'dist',
  external: [/^node:/, /^@tensorflow\//, /^#/],
  removeNodeProtocol: false,
} as const;

export default defineConfig({
  ...shared,
  entry: [...exported, ...privates, ...programs, 'src/**/*.worker.ts'],
  dts: { entry: exported },
  clean: true,
});
