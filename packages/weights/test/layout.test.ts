import { describe, expect, it } from 'vitest';
import { tfToTorch, torchToTf, type LayerKind, type StateTensor } from '../src/index.ts';

const counting = (...shape: number[]): StateTensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: 'float32', shape, data: Float32Array.from({ length: size }, (_, i) => i) };
};
const at = ({ shape, data }: StateTensor, ...index: number[]) =>
  data[index.reduce((sum, i, axis) => sum * shape[axis]! + i, 0)];

describe('layouts', () => {
  it('takes OIHW to HWIO', () => {
    const weight = counting(2, 3, 4, 5);
    const turned = torchToTf('conv2d', weight);
    expect(turned.shape).toEqual([4, 5, 3, 2]);
    expect(at(turned, 3, 1, 2, 0)).toBe(at(weight, 0, 2, 3, 1));
  });

  it.each<[LayerKind, number[]]>([
    ['linear', [2, 3]],
    ['conv1d', [2, 3, 4]],
    ['conv2d', [2, 3, 4, 5]],
    ['conv3d', [2, 3, 4, 5, 2]],
    ['convTranspose2d', [2, 3, 4, 5]],
    ['depthwiseConv2d', [3, 1, 4, 5]],
  ])('%s goes there and back', (kind, shape) => {
    expect(tfToTorch(kind, torchToTf(kind, counting(...shape)))).toEqual(counting(...shape));
  });

  it('refuses unknown layers and wrong ranks', () => {
    expect(() => torchToTf('conv2' as 'conv2d', counting(1))).toThrow(/Did you mean 'conv2d'/);
    expect(() => torchToTf('conv2d', counting(2, 3))).toThrow(/2 axes/);
  });
});
