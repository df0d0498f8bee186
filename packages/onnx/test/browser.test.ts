import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
import { DDIMScheduler } from '@missing-u/schedulers';
import { fromFunction } from '@missing-u/unet-blocks';
import * as tf from '@tensorflow/tfjs-core';
import { OnnxDenoiser, toOnnx } from '@missing-u/onnx';
import { build } from 'esbuild';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { normal } from './agree.ts';
import { sample } from '../examples/digits/sample.ts';

const executablePath = [process.env['CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== '' && existsSync(path),
);
/** SwiftShader plays the graphics card for WebGPU. */
const flags = [
  ...['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'],
  ...['--use-vulkan=swiftshader', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
];
const page = join(import.meta.dirname, '../examples/digits');
const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/wasm'));

/** The page's scripts as its reader bundles them, by name. The runtime ends in a file of its own. */
async function bundle(): Promise<Map<string, string>> {
  const { outputFiles } = await build({
    entryPoints: [join(page, 'page.ts')],
    bundle: true,
    splitting: true,
    platform: 'browser',
    format: 'esm',
    conditions: ['@missing-u/source'],
    outdir: 'site',
    write: false,
    logLevel: 'error',
  });
  return new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
}

interface Site {
  address: string;
  close(): void;
}

/** Serves the page, its scripts, the runtime's .wasm file and a model. */
async function serve(model: Uint8Array, { isolated }: { isolated: boolean }): Promise<Site> {
  const scripts = await bundle();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://page').pathname.slice(1);
    if (isolated) {
      response.setHeader('cross-origin-opener-policy', 'same-origin');
      response.setHeader('cross-origin-embedder-policy', 'require-corp');
    }
    const send = (type: string, body: string | Uint8Array) => response.setHeader('content-type', type).end(body);
    if (path === '') send('text/html', readFileSync(join(page, 'index.html')));
    else if (path === 'digits.onnx') send('application/octet-stream', model);
    else if (scripts.has(path)) send('text/javascript', scripts.get(path)!);
    else if (path.endsWith('.wasm')) send('application/wasm', readFileSync(join(runtime, basename(path))));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}/`, close: () => void server.close() };
}

/** The grey levels of a page's picture, and what it says. */
async function open(browser: Browser, address: string) {
  const tab = await browser.newPage();
  const problems: string[] = [];
  let workers = 0;
  tab.on('worker', () => (workers += 1));
  tab.on('pageerror', (error) => problems.push(String(error)));
  tab.on('console', (message) => problems.push(message.text()));
  await tab.goto(address);
  await tab.waitForFunction("/ s$|:/.test(document.querySelector('output').textContent)", undefined, {
    timeout: 100_000,
  });
  const result = await tab.evaluate<{ width: number; levels: number[]; text: string; isolated: boolean }>(`(() => {
    const canvas = document.querySelector('canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return {
      width: canvas.width,
      levels: Array.from(data).filter((_, i) => i % 4 === 0),
      text: document.querySelector('output').textContent,
      isolated: crossOriginIsolated,
    };
  })()`);
  await tab.close();
  return { ...result, problems, workers };
}

/** What the page should show, by Node's runtime. */
async function expected(model: Uint8Array, count: number): Promise<Uint8ClampedArray> {
  const unet = await OnnxDenoiser.load(model, { threads: 1 });
  const { data, shape } = await sample(unet, { count, steps: 4, seed: 7 });
  await unet.dispose();
  const [, height, width] = shape as [number, number, number];
  const levels = new Uint8ClampedArray(count * height * width);
  const columns = Math.min(count, 4) * width;
  for (let i = 0; i < data.length; i++) {
    const [image, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    levels[(Math.floor(image / 4) * height + y) * columns + (image % 4) * width + x] = 127.5 * (data[i]! + 1);
  }
  return levels;
}

/** A network with few kernels: a graphics card that is played takes seconds to compile each. */
async function small(): Promise<Uint8Array> {
  const first = normal([3, 3, 1, 4], 1) as tf.Tensor4D;
  const last = normal([3, 3, 4, 1], 2) as tf.Tensor4D;
  const network = fromFunction((x, t) => {
    const features: tf.Tensor4D = tf.add(tf.conv2d(x, first, 1, 'same'), tf.reshape(tf.sin(t), [-1, 1, 1, 1]));
    return tf.div(tf.conv2d(tf.relu(features), last, 1, 'same'), 8);
  });
  const model = await toOnnx(network, { imageSize: 32, channels: 1 });
  tf.dispose([first, last]);
  return model;
}

describe.skipIf(executablePath === undefined)('a page that samples digits (needs Chromium)', () => {
  let browser: Browser;
  let digits: Uint8Array;

  beforeAll(async () => {
    await useEngine('wasm', { threads: 1 });
    const network = new CUNet({ channels: 8, groups: 4, imageSize: 32, inChannels: 1, seed: 3 });
    digits = await toOnnx(network, { scheduler: new DDIMScheduler({ beta_schedule: 'squaredcos_cap_v2' }) });
    network.dispose();
    browser = await chromium.launch({ executablePath: executablePath!, args: flags });
  });
  afterAll(() => browser?.close());

  it.each([
    { name: 'one thread', isolated: false, provider: 'wasm', count: 16 },
    { name: 'threads, where the page is isolated', isolated: true, provider: 'wasm', count: 16 },
    { name: 'WebGPU', isolated: false, provider: 'webgpu', count: 1 },
  ])('shows the pixels that Node computes: $name', async ({ isolated, provider, count }) => {
    const model = provider === 'webgpu' ? await small() : digits;
    const site = await serve(model, { isolated });
    const query = `?model=digits.onnx&steps=4&seed=7&count=${count}&provider=${provider}`;
    const shown = await open(browser, `${site.address}${query}`);
    site.close();
    expect(shown.text).toMatch(/^4 steps in/);
    expect(shown).toMatchObject({ width: Math.min(count, 4) * 32, isolated });
    if (provider === 'wasm') expect(shown.problems).toEqual([]);
    expect(shown.workers > 0).toBe(isolated);
    const wanted = await expected(model, count);
    expect(shown.levels.length).toBe(wanted.length);
    const apart = shown.levels.map((level, i) => Math.abs(level - wanted[i]!));
    expect(Math.max(...apart)).toBeLessThanOrEqual(1);
    expect(apart.filter((difference) => difference > 0).length / apart.length).toBeLessThan(0.01);
    // Not everything black and white, nor grey.
    expect(new Set(shown.levels).size).toBeGreaterThan(100);
  });

  it('says what is wrong with a model', async () => {
    const site = await serve(digits.subarray(0, 1000), { isolated: false });
    const shown = await open(browser, `${site.address}?model=digits.onnx`);
    site.close();
    expect(shown.text).toMatch(/^ONNX_INVALID_FILE: .*cut off/);
  });
});
