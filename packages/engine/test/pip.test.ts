import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { downloadWheel, findPip } from '../src/native/pip.ts';
import { ownCacheFolder } from './folder.ts';

const folder = ownCacheFolder();
const pip = await findPip().catch(() => undefined);
const request = { requirement: 'thing==1.0', platforms: ['manylinux_2_27_x86_64'] };
const name = 'thing-1.0-py3-none-any.whl';
/** Four MiB of noise; what is in it is not looked at. */
const wheel = Buffer.from(Uint32Array.from({ length: 2 ** 20 }, (_, i) => Math.imul(i, 2654435761)).buffer);

/** An index of one package, whose connections break after these numbers of bytes, one after the other. */
const server = createServer(answer);
let limits: number[] = [];
let honoursRanges = true;
let hash = '';
const ranges: (string | undefined)[] = [];

function answer({ url, headers }: IncomingMessage, response: ServerResponse): void {
  if (url === '/simple/thing/') {
    response.setHeader('content-type', 'text/html').end(`<a href="/files/${name}#sha256=${hash}">${name}</a>`);
    return;
  }
  ranges.push(headers.range);
  const from = honoursRanges ? Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0) : 0;
  if (from >= wheel.length) {
    response.writeHead(416, { 'content-range': `bytes */${wheel.length}` }).end();
    return;
  }
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': wheel.length - from,
    'content-range': `bytes ${from}-${wheel.length - 1}/${wheel.length}`,
  });
  const sent = wheel.subarray(from, from + (limits.shift() ?? Infinity));
  response.write(sent, () => {
    if (from + sent.length === wheel.length) response.end();
    else response.destroy();
  });
}

beforeEach(async () => {
  [limits, honoursRanges, hash] = [[], true, createHash('sha256').update(wheel).digest('hex')];
  ranges.length = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('PIP_INDEX_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple/`);
  vi.stubEnv('PIP_CONFIG_FILE', '/dev/null');
  vi.stubEnv('PIP_RETRIES', '0');
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

describe.skipIf(pip?.[1] !== '-m')('a download by pip (needs `python3 -m pip`)', () => {
  const download = () => downloadWheel(pip!, request, folder());

  it('arrives whole', async () => {
    const file = await download();
    expect(file).toBe(join(folder(), name));
    expect(readFileSync(file).equals(wheel)).toBe(true);
    expect(readdirSync(folder())).toEqual([name]);
  });

  it('goes on after the connection broke', async () => {
    limits = [1e6, 2e6];
    expect(readFileSync(await download()).equals(wheel)).toBe(true);
    expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/), expect.stringMatching(/^bytes=\d+-$/)]);
  });

  it('goes on where an earlier one was given up', async () => {
    limits = [3e6, 0, 0, 0, 0, 0];
    await expect(download()).rejects.toMatchObject({ code: 'ENGINE_DOWNLOAD_FAILED' });
    limits = [];
    ranges.length = 0;
    expect(readFileSync(await download()).equals(wheel)).toBe(true);
    expect(ranges).toEqual([expect.stringMatching(/^bytes=[1-9]\d+-$/)]);
  });

  it('starts over where the server cannot continue', async () => {
    honoursRanges = false;
    limits = [1e6];
    expect(readFileSync(await download()).equals(wheel)).toBe(true);
  });

  it('with another hash than the index says is thrown away', async () => {
    hash = '0'.repeat(64);
    await expect(download()).rejects.toMatchObject({ code: 'ENGINE_DOWNLOAD_FAILED', message: /another hash/ });
    expect(readdirSync(folder())).toEqual([]);
  });

  it('says what is not there', async () => {
    const other = { ...request, requirement: 'thing==2.0' };
    await expect(downloadWheel(pip!, other, folder())).rejects.toMatchObject({
      code: 'ENGINE_DOWNLOAD_FAILED',
      message: /No matching distribution found for thing==2.0/,
    });
  });
});
