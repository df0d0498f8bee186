import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { make } from './golden.ts';

interface Row {
  class: string;
  config: object;
  /** The digest is over float32 bytes. */
  fractional: boolean;
  first: number;
  last: number;
  count: number;
  sha1: string;
}

const rows = JSON.parse(readFileSync(new URL('./fixtures/timesteps.json', import.meta.url), 'utf8')) as Row[];

it.each(rows.map((row) => [`${row.class} ${JSON.stringify(row.config)}`, row] as const))(
  '%s lists the timesteps of diffusers for every count',
  (_, row) => {
    const precision = row.fractional ? 'float32' : 'float64';
    const scheduler = make(row.class, { ...row.config, match_diffusers: true, precision });
    const digest = createHash('sha1');
    expect(row.count).toBe(row.last - row.first + 1);
    for (let count = row.first; count <= row.last; count++) {
      scheduler.setTimesteps(count);
      if (row.fractional) digest.update(new Uint8Array(Float32Array.from(scheduler.timesteps).buffer));
      else digest.update(`${scheduler.timesteps.join(',')};`);
    }
    expect(digest.digest('hex')).toBe(row.sha1);
  },
);

it.each([
  ['leading', 0, 7, [852, 710, 568, 426, 284, 142, 0]],
  ['linspace', 0, 7, [999, 832, 666, 500, 333, 166, 0]],
  ['trailing', 0, 7, [999, 856, 713, 570, 428, 285, 142]],
  ['leading', 1, 5, [801, 601, 401, 201, 1]],
])('%s with offset %i and %i steps', (spacing, offset, count, expected) => {
  const scheduler = make('DDIMScheduler', { timestep_spacing: spacing, steps_offset: offset });
  scheduler.setTimesteps(count);
  expect([...scheduler.timesteps]).toEqual(expected);
});
