import { CUNet, presets, type PresetName } from '@missing-u/cunet';
import { describe, expect, it } from 'vitest';

describe('preset', () => {
  it.each(Object.keys(presets) as PresetName[])('%s is known by its structure', (preset) => {
    const model = new CUNet({ preset, channels: 16, imageSize: 32, inChannels: 1, weights: 'none' });
    expect(model.preset).toBe(preset);
    expect(new CUNet({ ...model.config, weights: 'none' }).preset).toBe(preset);
  });

  it('is none for another structure', () => {
    expect(new CUNet({ activation: 'silu', weights: 'none' }).preset).toBeUndefined();
    expect(new CUNet({ solver: { steps: 2 }, weights: 'none' }).preset).toBeUndefined();
  });
});
