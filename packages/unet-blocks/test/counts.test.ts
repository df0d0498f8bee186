import { describe, expect, it } from 'vitest';
import { UNet, UNet2DModel } from '@missing-u/unet-blocks';

describe('number of parameters', () => {
  it('is 35,710,339 for the baseline of the paper', () => {
    expect(new UNet({ weights: 'none' }).parameterCount).toBe(35_710_339);
  });

  it('is 35,746,307 and 113,673,219 for the networks of Ho et al.', () => {
    expect(new UNet({ preset: 'ho', weights: 'none' }).parameterCount).toBe(35_746_307);
    expect(new UNet({ preset: 'ho-256', weights: 'none' }).parameterCount).toBe(113_673_219);
  });

  it('is that of diffusers for its default UNet2DModel', () => {
    // sum(p.numel() for p in diffusers.UNet2DModel().parameters()), 0.42.1
    expect(new UNet2DModel({}, { weights: 'none' }).parameterCount).toBe(274_056_163);
  });
});
