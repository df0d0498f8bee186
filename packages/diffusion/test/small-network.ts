import { UNet2DModel, type UNet2DOptions } from '@missing-u/unet-blocks';

/** A network of the smallest kind, with or without classes. */
export function smallNetwork(
  sampleSize: number,
  numClassEmbeds: number | null,
  options: Partial<UNet2DOptions> = {},
): UNet2DModel {
  return new UNet2DModel(
    {
      ...{ sampleSize, inChannels: 1, outChannels: 1, blockOutChannels: [8, 8], layersPerBlock: 1 },
      ...{ downBlockTypes: ['DownBlock2D', 'DownBlock2D'], upBlockTypes: ['UpBlock2D', 'UpBlock2D'] },
      ...{ normNumGroups: 4, numClassEmbeds },
      ...options,
    },
    { seed: 1 },
  );
}
