import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EventFile } from '../src/runs/event-file.ts';
// Made by tools/reference/diffusion/event_file.py with tensorboard's own writer.
import golden from './fixtures/events.json' with { type: 'json' };

it('writes the bytes that tensorboard writes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'missing-u-events-'));
  try {
    const now = 1_700_000_000_250;
    const events = new EventFile(folder, now);
    events.scalars(1, { loss: 0.5 }, now);
    events.scalars(300, { loss: 0.125, 'learning rate': 4e-4 }, now);
    const bytes = readFileSync(events.path);
    expect(bytes.toString('base64')).toBe(golden.base64);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
