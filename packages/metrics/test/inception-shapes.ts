/** Names and shapes of torchvision's Inception without its auxiliary classifier, in the order of definition. */
export type Shapes = Record<string, readonly number[]>;

const conv = (name: string, out: number, inputs: number, height: number, width = height): Shapes => ({
  [`${name}.conv.weight`]: [out, inputs, height, width],
  ...Object.fromEntries(['weight', 'bias', 'running_mean', 'running_var'].map((part) => [`${name}.bn.${part}`, [out]])),
});

const a = (name: string, inputs: number, pool: number): Shapes[] => [
  conv(`${name}.branch1x1`, 64, inputs, 1),
  conv(`${name}.branch5x5_1`, 48, inputs, 1),
  conv(`${name}.branch5x5_2`, 64, 48, 5),
  conv(`${name}.branch3x3dbl_1`, 64, inputs, 1),
  conv(`${name}.branch3x3dbl_2`, 96, 64, 3),
  conv(`${name}.branch3x3dbl_3`, 96, 96, 3),
  conv(`${name}.branch_pool`, pool, inputs, 1),
];
const c = (name: string, inner: number): Shapes[] => [
  conv(`${name}.branch1x1`, 192, 768, 1),
  conv(`${name}.branch7x7_1`, inner, 768, 1),
  conv(`${name}.branch7x7_2`, inner, inner, 1, 7),
  conv(`${name}.branch7x7_3`, 192, inner, 7, 1),
  conv(`${name}.branch7x7dbl_1`, inner, 768, 1),
  conv(`${name}.branch7x7dbl_2`, inner, inner, 7, 1),
  conv(`${name}.branch7x7dbl_3`, inner, inner, 1, 7),
  conv(`${name}.branch7x7dbl_4`, inner, inner, 7, 1),
  conv(`${name}.branch7x7dbl_5`, 192, inner, 1, 7),
  conv(`${name}.branch_pool`, 192, 768, 1),
];
const e = (name: string, inputs: number): Shapes[] => [
  conv(`${name}.branch1x1`, 320, inputs, 1),
  conv(`${name}.branch3x3_1`, 384, inputs, 1),
  conv(`${name}.branch3x3_2a`, 384, 384, 1, 3),
  conv(`${name}.branch3x3_2b`, 384, 384, 3, 1),
  conv(`${name}.branch3x3dbl_1`, 448, inputs, 1),
  conv(`${name}.branch3x3dbl_2`, 384, 448, 3),
  conv(`${name}.branch3x3dbl_3a`, 384, 384, 1, 3),
  conv(`${name}.branch3x3dbl_3b`, 384, 384, 3, 1),
  conv(`${name}.branch_pool`, 192, inputs, 1),
];

/** One entry per BasicConv2d: 94 of them. */
export const inceptionConvolutions: readonly Shapes[] = [
  conv('Conv2d_1a_3x3', 32, 3, 3),
  conv('Conv2d_2a_3x3', 32, 32, 3),
  conv('Conv2d_2b_3x3', 64, 32, 3),
  conv('Conv2d_3b_1x1', 80, 64, 1),
  conv('Conv2d_4a_3x3', 192, 80, 3),
  ...[...a('Mixed_5b', 192, 32), ...a('Mixed_5c', 256, 64), ...a('Mixed_5d', 288, 64)],
  conv('Mixed_6a.branch3x3', 384, 288, 3),
  conv('Mixed_6a.branch3x3dbl_1', 64, 288, 1),
  conv('Mixed_6a.branch3x3dbl_2', 96, 64, 3),
  conv('Mixed_6a.branch3x3dbl_3', 96, 96, 3),
  ...[...c('Mixed_6b', 128), ...c('Mixed_6c', 160), ...c('Mixed_6d', 160), ...c('Mixed_6e', 192)],
  conv('Mixed_7a.branch3x3_1', 192, 768, 1),
  conv('Mixed_7a.branch3x3_2', 320, 192, 3),
  conv('Mixed_7a.branch7x7x3_1', 192, 768, 1),
  conv('Mixed_7a.branch7x7x3_2', 192, 192, 1, 7),
  conv('Mixed_7a.branch7x7x3_3', 192, 192, 7, 1),
  conv('Mixed_7a.branch7x7x3_4', 192, 192, 3),
  ...[...e('Mixed_7b', 1280), ...e('Mixed_7c', 2048)],
];

export const inceptionShapes = (classes: number): Shapes =>
  Object.assign({}, ...inceptionConvolutions, { 'fc.weight': [classes, 2048], 'fc.bias': [classes] });
