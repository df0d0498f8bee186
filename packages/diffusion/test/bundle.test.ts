import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

it.each([['@missing-u/source'], ['default']])(
  'can be bundled for a page, under the condition %s',
  async (condition) => {
    const { outputFiles } = await build({
      stdin: { contents: "export * from '@missing-u/diffusion';", resolveDir: join(import.meta.dirname, '..') },
      bundle: true,
      splitting: true,
      outdir: 'out',
      platform: 'browser',
      format: 'esm',
      conditions: [condition],
      external: ['@tensorflow/*'],
      write: false,
      logLevel: 'silent',
    });
    const text = outputFiles.map((file) => file.text).join('\n');
    expect(text).toContain('DIFFUSION_NODE_ONLY');
    expect(text).not.toMatch(/\bfrom\s*["'](node:|fs|path|module)/);
  },
);
