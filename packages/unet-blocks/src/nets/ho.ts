import { varianceScaling, zeros } from '../initializers.ts';
import type { InitializerRule } from '../module.ts';
import type { UNet2DOptions } from './unet-2d/config.ts';

const shared: Partial<UNet2DOptions> = {
  flipSinToCos: false,
  freqShift: 1,
  downsamplePadding: 0,
  attentionHeadDim: null,
  normEps: 1e-6,
  normNumGroups: 32,
  layersPerBlock: 2,
};

const plain = (count: number) => new Array<string>(count);

/** Ho et al.'s U-Net for CIFAR-10, 32x32: 35,746,307 weights. */
export const hoCifar10: Partial<UNet2DOptions> = {
  ...shared,
  sampleSize: 32,
  blockOutChannels: [128, 256, 256, 256],
  downBlockTypes: ['DownBlock2D', 'AttnDownBlock2D', 'DownBlock2D', 'DownBlock2D'],
  upBlockTypes: ['UpBlock2D', 'UpBlock2D', 'AttnUpBlock2D', 'UpBlock2D'],
};

/** Ho et al.'s U-Net for CelebA-HQ and LSUN, 256x256: 113,673,219 weights. */
export const ho256: Partial<UNet2DOptions> = {
  ...shared,
  sampleSize: 256,
  blockOutChannels: [128, 128, 256, 256, 512, 512],
  downBlockTypes: [...plain(4).fill('DownBlock2D'), 'AttnDownBlock2D', 'DownBlock2D'],
  upBlockTypes: ['UpBlock2D', 'AttnUpBlock2D', ...plain(4).fill('UpBlock2D')],
};

/**
 * Ho et al.'s first weights: variance scaling 1 with uniform draws, biases 0, and almost 0 for what ends a branch: the
 * second convolution of a residual block, the output of attention, and the last convolution.
 */
export const hoInitializers: InitializerRule = (name, { torchShape }) => {
  if (name.endsWith('.bias')) return zeros;
  if (torchShape.length < 2) return undefined;
  return varianceScaling(/(^|\.)(conv2|to_out\.0|conv_out)\.weight$/.test(name) ? 0 : 1);
};
