import { useEngine } from '@missing-u/engine';
import { beforeAll, describe, expect, it } from 'vitest';
import { summary } from '@missing-u/unet-blocks';
import { CUNet, type CUNetOptions } from '@missing-u/cunet';

beforeAll(() => useEngine('wasm', { threads: 1 }).then(() => undefined));

/**
 * Operations of one prediction at 64x64x3 or another side, counted at 16x16x3, which is quick: all but the linear layers is
 * proportional to the number of pixels.
 */
function operations(options: CUNetOptions, side = 64): number {
  const { layers } = summary(new CUNet({ weights: 'none', ...options }), [16, 16, 3]);
  const sum = (linear: boolean) =>
    layers.filter(({ kind }) => (kind === 'Linear') === linear).reduce((total, layer) => total + layer.operations, 0);
  return (side / 16) ** 2 * sum(false) + sum(true);
}

describe('operations', () => {
  it('are 2,830,983,168 for the published network', () => {
    expect(operations({ preset: 'published-a2' })).toBe(2_830_983_168);
  });

  it('are 8,495,104 more with the lift than with the published stem', () => {
    expect(operations({ stem: 'lift' }) - operations({ stem: 'published' })).toBe(8_495_104);
  });

  // In 10^9, as the notes on the published networks and their variants give them.
  it.each<[CUNetOptions, number]>([
    [{ preset: 'published-a5' }, 2.902],
    [{ preset: 'published-a5', norm: 'group' }, 2.894],
    [{ preset: 'published-woA' }, 2.814],
    [{ preset: 'published-a5', norm: 'group', timeConditioning: 'film' }, 2.897],
    [{ preset: 'published-woR' }, 1.624],
    [{ preset: 'published-woR', attention: 'a5' }, 1.695],
    [{ preset: 'published-woAR' }, 1.607],
    [{ preset: 'cunet' }, 2.832],
    [{ preset: 'cunet-a5' }, 2.904],
    [{ preset: 'cunet-woA' }, 2.815],
    [{ preset: 'cunet', stem: 'published' }, 2.824],
    [{ preset: 'cunet-a5', stem: 'published' }, 2.895],
    [{ preset: 'cunet-woA', stem: 'published' }, 2.807],
    [{ preset: 'cunet-woR', stem: 'published', attention: 'a5' }, 1.612],
    [{ preset: 'cunet-woR', stem: 'published' }, 1.54],
    [{ preset: 'cunet-woAR', stem: 'published' }, 1.524],
    [{ preset: 'cunet-fo', stem: 'published' }, 2.824],
    [{ preset: 'cunet-fo-woR', stem: 'published', attention: 'a5' }, 1.687],
    [{ preset: 'cunet-fo-woAR', stem: 'published' }, 1.599],
    [{ residual: 'none', stem: 'published' }, 2.144],
    [{ residual: 'conv1x1', stem: 'published' }, 2.22],
    [{ residual: 'conv1x1', stem: 'published', channels: 36, groups: 4 }, 2.807],
    [{ integrationTime: true, stem: 'published' }, 2.851],
    [{ solver: { method: 'euler' }, stem: 'published' }, 0.785],
    [{ solver: { method: 'midpoint' }, stem: 'published' }, 1.464],
    [{ solver: { steps: 2 }, stem: 'published' }, 5.542],
    [{ solver: { method: 'midpoint', steps: 7 }, stem: 'published' }, 9.62],
    [{ solver: { steps: 5 }, stem: 'published' }, 13.698],
  ])('of %o are %f billion', (options, billions) => {
    expect(operations(options) / 1e9).toBeCloseTo(billions, 3);
  });

  it('are 0.707 and 11.29 billion at sides of 32 and 128', () => {
    expect(operations({ stem: 'published' }, 32) / 1e9).toBeCloseTo(0.707, 3);
    expect(operations({ stem: 'published' }, 128) / 1e9).toBeCloseTo(11.29, 2);
  });
});
