import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/**
 * The test configuration of every package.
 *
 * - `*.test.ts` does not depend on an engine and runs once, in Node.
 * - `*.tensor.test.ts` runs once per TensorFlow.js engine, so it must not name one, and must not import `node:` modules.
 *
 * Engines: cpu and wasm by default; `MISSING_U_TEST_ENGINES=cpu,wasm,native` narrows or widens the list; an engine that was
 * asked for and cannot start fails its tests.
 */
export function packageTests(options: { timeout?: number } = {}): ViteUserConfig {
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const conditions = ['@missing-u/source', 'node', 'import', 'module', 'default'];
  const shared = {
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: ['node', 'import', 'default'] } },
  };
  const common = {
    pool: 'forks' as const,
    testTimeout: options.timeout ?? 240_000,
    hookTimeout: 60_000,
    setupFiles: [here('./matchers.ts')],
  };
  return defineConfig({
    test: {
      passWithNoTests: true,
      maxWorkers: 2,
      projects: [
        {
          ...shared,
          test: { ...common, name: 'node', include: ['test/**/*.test.ts'], exclude: ['test/**/*.tensor.test.ts'] },
        },
        ...testEngines().map((engine) => ({
          ...shared,
          test: {
            ...common,
            name: engine,
            include: ['test/**/*.tensor.test.ts'],
            env: { MISSING_U_TEST_ENGINE: engine },
            setupFiles: [here('./matchers.ts'), here('./engine.ts')],
          },
        })),
      ],
    },
  });
}

function testEngines(): string[] {
  const asked = process.env['MISSING_U_TEST_ENGINES'];
  if (asked !== undefined && asked !== '') return asked.split(',').map((name) => name.trim());
  return ['cpu', 'wasm'];
}
