import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const chromium = [process.env['CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== '' && existsSync(path),
);

/** SwiftShader plays the graphics card for WebGL and WebGPU. */
const flags = [
  ...['--no-sandbox', '--headless=new', '--disable-background-networking', '--disable-component-update'],
  ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'],
  ...['--use-vulkan=swiftshader', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
];

/** Starts each engine, which verifies it, and sends what came of it back. */
const page = `
  import { useEngine, doctor } from './src/index.ts';
  const report = {};
  for (const name of ['webgl', 'webgpu', 'wasm', 'cpu', 'native']) {
    report[name] = await useEngine(name).catch(({ code, message }) => ({ code, message }));
  }
  report.doctor = await doctor();
  await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
`;

/** A page that does not serve the files which wasm fetches. */
const bare = `
  import { useEngine } from './src/index.ts';
  import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
  setWasmPaths('/nowhere/');
  const wasm = await useEngine('wasm').catch(({ code, message }) => ({ code, message }));
  await fetch('/report', { method: 'POST', body: JSON.stringify({ wasm }) });
`;

/** Bundles a page as an application would, which fails if anything of Node is in it. */
async function bundle(page: string): Promise<string> {
  const result = await build({
    stdin: { contents: page, resolveDir: join(import.meta.dirname, '..'), loader: 'ts' },
    bundle: true,
    platform: 'browser',
    format: 'esm',
    conditions: ['@missing-u/source'],
    write: false,
    logLevel: 'silent',
  });
  return result.outputFiles[0]!.text;
}

/** Opens the page in a browser and waits for its report. */
async function run(script: string): Promise<Record<string, Record<string, unknown>>> {
  const wasmFolder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
  const profile = mkdtempSync(join(tmpdir(), 'missing-u-browser-'));
  let done: (report: string) => void;
  const report = new Promise<string>((resolve) => (done = resolve));
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (path === '/report') {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString())).on('end', () => done(body));
    } else if (path === '/') {
      response.setHeader('content-type', 'text/html').end('<body><script type="module" src="/page.js"></script>');
    } else if (path === '/page.js') {
      response.setHeader('content-type', 'text/javascript').end(script);
    } else if (path.endsWith('.wasm') && existsSync(join(wasmFolder, path))) {
      response.setHeader('content-type', 'application/wasm').end(readFileSync(join(wasmFolder, path)));
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  // A group of its own: the processes that the browser starts outlive it, writing to its profile, unless they end together.
  const browser = spawn(chromium!, [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`], {
    stdio: 'ignore',
    detached: true,
  });
  try {
    return JSON.parse(await report) as Record<string, Record<string, unknown>>;
  } finally {
    const ended = new Promise((resolve) => browser.on('close', resolve));
    process.kill(-browser.pid!, 'SIGKILL');
    await ended;
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 15, retryDelay: 100 });
  }
}

describe('in a browser', () => {
  it('the main entry holds nothing of Node', async () => {
    expect(await bundle(page)).not.toMatch(/["']node:/);
  });

  it.skipIf(chromium === undefined)(
    'webgl, webgpu, wasm and cpu start and compute as they should (needs Chromium)',
    async () => {
      const report = await run(await bundle(page));
      expect(report['webgl']).toMatchObject({ name: 'webgl', notes: [] });
      expect(report['webgpu']).toMatchObject({ name: 'webgpu', notes: [] });
      expect(report['wasm']).toMatchObject({ name: 'wasm', device: 'WebAssembly, 1 thread' });
      expect(report['cpu']).toMatchObject({ name: 'cpu' });
      expect(report['native']).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
      // A card that is none is not taken by itself.
      expect(report['doctor']).toMatchObject({ engine: { name: 'wasm' } });
    },
    120_000,
  );

  it.skipIf(chromium === undefined)(
    'wasm says what the page has to serve where it cannot start (needs Chromium)',
    async () => {
      const { wasm } = await run(await bundle(bare));
      expect(wasm).toMatchObject({ code: 'ENGINE_START_FAILED', message: expect.stringContaining('setWasmPaths(') });
    },
    120_000,
  );
});
