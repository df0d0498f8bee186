import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nativeCommand } from '../src/cli/native.ts';
import { findInstallations } from '../src/native/installation.ts';
import { ownCacheFolder } from './folder.ts';

const complete = (await findInstallations()).find(({ fault }) => fault === undefined);

afterEach(() => vi.restoreAllMocks());

/** What `native ... --json` prints. */
async function printed(...args: string[]): Promise<Record<string, unknown>> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  await new Command().addCommand(nativeCommand()).parseAsync(['native', ...args, '--json'], { from: 'user' });
  vi.restoreAllMocks();
  return JSON.parse(written.join('')) as Record<string, unknown>;
}

describe.skipIf(complete === undefined)('an installation that is there (needs `missing-u native install`)', () => {
  it('is what `install --json` gives, without a second one', async () => {
    const installed = await printed('install');
    expect(installed).toMatchObject({ tensorflow: complete!.tensorflow, folder: complete!.folder });
    expect(installed['fault']).toBeUndefined();
  });
});

describe('an empty cache', () => {
  const folder = ownCacheFolder();

  it('has nothing to show or to remove, as JSON', async () => {
    expect(await printed('status')).toMatchObject({ installations: [] });
    const removed = await printed('remove');
    expect(removed).toMatchObject({ removed: [] });
    expect(removed['folder']).toContain(folder());
  });
});
