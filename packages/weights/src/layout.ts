import { unknownName } from '@missing-u/errors';
import { WeightsError } from './errors.ts';
import { permute } from './permute.ts';
import type { StateTensor } from './state-dict.ts';

/**
 * How PyTorch's weight of a layer becomes TensorFlow's: axis `i` of the result is axis `axes[i]` of PyTorch's. Biases and the
 * weights of norms and embeddings are the same in both.
 */
const toTf = {
  /** [out, in] to [in, out]. */
  linear: [1, 0],
  /** [out, in, width] to [width, in, out]. */
  conv1d: [2, 1, 0],
  /** OIHW to HWIO. */
  conv2d: [2, 3, 1, 0],
  /** OIDHW to DHWIO. */
  conv3d: [2, 3, 4, 1, 0],
  /** [in, out, height, width] to [height, width, out, in]. */
  convTranspose2d: [2, 3, 1, 0],
  /** [channels, 1, height, width] to [height, width, channels, 1]: one filter per channel. */
  depthwiseConv2d: [2, 3, 0, 1],
} as const;

export type LayerKind = keyof typeof toTf;

/** PyTorch's layout of a weight to TensorFlow's. */
export function torchToTf(kind: LayerKind, weight: StateTensor): StateTensor {
  return permute(weight, axesOf(kind));
}

/** TensorFlow's layout of a weight to PyTorch's. */
export function tfToTorch(kind: LayerKind, weight: StateTensor): StateTensor {
  const axes = axesOf(kind);
  return permute(
    weight,
    axes.map((_, axis) => axes.indexOf(axis)),
  );
}

function axesOf(kind: LayerKind): readonly number[] {
  if (!Object.hasOwn(toTf, kind))
    throw new WeightsError('WEIGHTS_BAD_LAYOUT', unknownName('kind', kind, Object.keys(toTf)));
  return toTf[kind];
}
