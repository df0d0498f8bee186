import { readFileSync, truncateSync, writeFileSync, statSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openWheel } from '../src/native/wheel.ts';
import { ownCacheFolder } from './folder.ts';
import { makeWheel } from './make-wheel.ts';

const folder = ownCacheFolder();
const files = { 'thing/a.txt': 'alpha '.repeat(1000), 'thing/b.txt': 'beta', 'thing/empty.txt': '' };

function wheelFile(forge?: string): string {
  const file = join(folder(), 'thing-1.0-py3-none-any.whl');
  makeWheel(file, files, forge);
  return file;
}

describe('a wheel', () => {
  it('gives its files', async () => {
    const wheel = await openWheel(wheelFile());
    expect(await wheel.text('thing/a.txt')).toBe(files['thing/a.txt']);
    const target = join(folder(), 'out', 'b.txt');
    let bytes = 0;
    await wheel.extract('thing/b.txt', target, (count) => (bytes += count));
    expect(readFileSync(target, 'utf8')).toBe('beta');
    expect(bytes).toBe(4);
  });

  it('with a forged file is refused, and the file does not appear', async () => {
    const wheel = await openWheel(wheelFile('thing/b.txt'));
    const target = join(folder(), 'b.txt');
    await expect(wheel.extract('thing/b.txt', target)).rejects.toMatchObject({ code: 'ENGINE_BAD_WHEEL' });
    expect(existsSync(target)).toBe(false);
  });

  it('with damage in the middle is refused', async () => {
    const file = wheelFile();
    const bytes = readFileSync(file);
    bytes.fill(0xff, 30 + 'thing/a.txt'.length, 30 + 'thing/a.txt'.length + 8);
    writeFileSync(file, bytes);
    const wheel = await openWheel(file);
    const target = join(folder(), 'a.txt');
    const expected = { code: 'ENGINE_BAD_WHEEL', message: expect.stringContaining('a.txt is damaged') as string };
    await expect(wheel.extract('thing/a.txt', target)).rejects.toMatchObject(expected);
    await expect(wheel.text('thing/a.txt')).rejects.toMatchObject(expected);
    expect(existsSync(target)).toBe(false);
  });

  it('that is truncated is refused', async () => {
    const file = wheelFile();
    truncateSync(file, statSync(file).size - 30);
    await expect(openWheel(file)).rejects.toMatchObject({ code: 'ENGINE_BAD_WHEEL', message: /truncated/ });
  });

  it('has to be a zip file with a RECORD', async () => {
    const file = join(folder(), 'x.whl');
    writeFileSync(file, 'a page that says: not found');
    await expect(openWheel(file)).rejects.toMatchObject({ code: 'ENGINE_BAD_WHEEL' });
    writeFileSync(file, '');
    await expect(openWheel(file)).rejects.toMatchObject({ code: 'ENGINE_BAD_WHEEL' });
    await expect(openWheel(join(folder(), 'none.whl'))).rejects.toMatchObject({ message: /cannot be opened/ });
  });

  it('says which file it lacks', async () => {
    const wheel = await openWheel(wheelFile());
    await expect(wheel.text('thing/c.txt')).rejects.toMatchObject({ message: /it lacks thing\/c.txt/ });
  });
});
