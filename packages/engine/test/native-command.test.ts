import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nativeCommand } from '../src/cli/native.ts';
import { findInstallations } from '../src/native/installation.ts';
import { ownCacheFolder } from './folder.ts';

const complete = (await findInstallations()).find(({ fault }) => fault === undefined);

afterEach(() => vi.restoreAllMocks());

/** What `native ... --json` prints. */
async function printed(...args: string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await shown(...args, '--json')) as Record<string, unknown>;
}

/** What `native ...` prints. */
async function shown(...args: string[]): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  await new Command('program').addCommand(nativeCommand()).parseAsync(['native', ...args], { from: 'user' });
  vi.restoreAllMocks();
  return written.join('');
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

  it('is told with the command that fills it, as this program has it', async () => {
    expect(await shown('status')).toContain('`program native install`');
  });

  it('has nothing to show or to remove, as JSON', async () => {
    expect(await printed('status')).toMatchObject({ installations: [] });
    const removed = await printed('remove');
    expect(removed).toMatchObject({ removed: [] });
    expect(removed['folder']).toContain(folder());
  });
});
