import { describe, expect, it } from 'vitest';
import { summary } from '@missing-u/unet-blocks';
import { CUNet, type CUNetOptions } from '@missing-u/cunet';

/**
 * Operations of one prediction at 64x64x3, counted at 16x16x3, which the cpu engine can run: all but the linear layers is
 * proportional to the number of pixels.
 */
function operations(options: CUNetOptions): number {
  const { layers } = summary(new CUNet({ weights: 'none', ...options }), [16, 16, 3]);
  const sum = (linear: boolean) =>
    layers.filter(({ kind }) => (kind === 'Linear') === linear).reduce((total, layer) => total + layer.operations, 0);
  return 16 * sum(false) + sum(true);
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
    [{ preset: 'published-woR' }, 1.624],
    [{ preset: 'published-woAR' }, 1.607],
    [{ preset: 'cunet' }, 2.832],
    [{ preset: 'cunet-a5' }, 2.904],
    [{ preset: 'cunet-woA' }, 2.815],
    [{ preset: 'cunet-woR', stem: 'published' }, 1.54],
    [{ preset: 'cunet-woAR', stem: 'published' }, 1.524],
    [{ preset: 'cunet-fo', stem: 'published' }, 2.824],
    [{ residual: 'none', stem: 'published' }, 2.144],
    [{ residual: 'conv1x1', stem: 'published' }, 2.22],
  ])('of %o are %f billion', (options, billions) => {
    expect(operations(options) / 1e9).toBeCloseTo(billions, 3);
  });
});
