import { describe, expect, it } from 'vitest';
import { CUNet, type CUNetOptions } from '@missing-u/cunet';

describe('options that make no sense are refused by name', () => {
  it.each<[Record<string, unknown>, RegExp]>([
    [{ preset: 'cunet-a6' }, /Did you mean 'cunet-a5'/],
    [{ chanels: 16 }, /Did you mean 'channels'/],
    [{ channels: 15, groups: 3 }, /`channels` is 15.*even/],
    [{ channels: 20 }, /`groups` is 8.*divisor of the 20 channels/],
    [{ imageSize: 28 }, /`imageSize` is 28.*multiple of 16/],
    [{ norm: 'instance', imageSize: 16 }, /32 or more/],
    [{ residual: 'identity' }, /'conv3x3', 'conv1x1' or 'none'/],
    [{ secondKernel: '3' }, /`secondKernel` is '3'.*1 or 3/],
    [{ generator: {} }, /`generator` is .*createGenerator/],
    [{ activation: 'rellu' }, /Did you mean 'relu'/],
    [{ attention: ['e5'] }, /attention.*e1, e2/],
    [{ attention: 'a3' }, /a2, a5, none/],
    [{ solver: { method: 'dopri6' } }, /Did you mean 'dopri5'/],
    [{ solver: { step: 2 } }, /Did you mean 'steps'/],
    [{ solver: { steps: 0 } }, /`solver.steps` is 0/],
    [{ solver: { method: 'dopri5', rtol: -1 } }, /`solver.rtol` is -1.*above 0/],
    [{ solver: 'dopri6' }, /Did you mean 'dopri5'/],
    [{ solver: 5 }, /`solver` is 5.*an object/],
    [{ attention: 5 }, /`attention` is 5.*a list of places/],
    [{ attention: null }, /`attention` is null/],
    [{ integrationTime: 'yes' }, /`integrationTime` is 'yes'.*true or false/],
    [null as never, /`options` is null/],
    [{ gradient: 'ajoint' }, /Did you mean 'adjoint'/],
    [{ outputInitializer: 'zero' }, /uniform, zeros/],
    [{ timeConditioning: 'adaln' }, /film, additive, none/],
  ])('%o', (options, message) => {
    expect(() => new CUNet(options as CUNetOptions)).toThrow(message);
    expect(() => new CUNet(options as CUNetOptions)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(CUNET|UNET)_/) as string }),
    );
  });
});

it('makes a network of the same kind from its config', () => {
  const { config } = new CUNet({ preset: 'published-woR', channels: 16, inChannels: 1, weights: 'none' });
  const again = new CUNet({ ...(JSON.parse(JSON.stringify(config)) as CUNetOptions), weights: 'none' });
  expect(again.config).toEqual(config);
});

it('takes the name of a method for a solver', () => {
  expect(new CUNet({ solver: 'dopri5', weights: 'none' }).config.solver).toMatchObject({
    method: 'dopri5',
    rtol: 1e-3,
  });
});
