/** Names and shapes of torchvision's `features`, and of the LPIPS heads. */
type Shapes = Record<string, readonly number[]>;

const conv = (at: number | string, out: number, inputs: number, size: number): Shapes => ({
  [`features.${at}.weight`]: [out, inputs, size, size],
  [`features.${at}.bias`]: [out],
});
const fire = (at: number, inputs: number, squeeze: number, expand: number): Shapes => ({
  ...conv(`${at}.squeeze`, squeeze, inputs, 1),
  ...conv(`${at}.expand1x1`, expand, squeeze, 1),
  ...conv(`${at}.expand3x3`, expand, squeeze, 3),
});

export const trunkShapes: Record<'squeeze' | 'alex' | 'vgg', Shapes> = {
  squeeze: {
    ...conv(0, 64, 3, 3),
    ...Object.assign({}, fire(3, 64, 16, 64), fire(4, 128, 16, 64), fire(6, 128, 32, 128), fire(7, 256, 32, 128)),
    ...Object.assign({}, fire(9, 256, 48, 192), fire(10, 384, 48, 192), fire(11, 384, 64, 256), fire(12, 512, 64, 256)),
  },
  alex: Object.assign(
    conv(0, 64, 3, 11),
    conv(3, 192, 64, 5),
    conv(6, 384, 192, 3),
    conv(8, 256, 384, 3),
    conv(10, 256, 256, 3),
  ),
  vgg: Object.assign(
    {},
    ...(
      [
        [0, 64, 3],
        [2, 64, 64],
        [5, 128, 64],
        [7, 128, 128],
        [10, 256, 128],
        [12, 256, 256],
        [14, 256, 256],
        [17, 512, 256],
      ] as const
    ).map(([at, out, inputs]) => conv(at, out, inputs, 3)),
    ...[19, 21, 24, 26, 28].map((at) => conv(at, 512, 512, 3)),
  ),
};

const channels = {
  squeeze: [64, 128, 256, 384, 384, 512, 512],
  alex: [64, 192, 384, 256, 256],
  vgg: [64, 128, 256, 512, 512],
};

export const headShapes = (net: keyof typeof channels): Shapes =>
  Object.fromEntries(channels[net].map((size, layer) => [`lin${layer}.model.1.weight`, [1, size, 1, 1]]));
