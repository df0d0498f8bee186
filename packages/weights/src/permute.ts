import { invalidArgument } from '@missing-u/errors';
import { WeightsError } from './errors.ts';
import { sizeOf, type StateTensor } from './state-dict.ts';

/** A copy with the axes in another order: axis `i` of the result is axis `axes[i]` of the tensor. */
export function permute(tensor: StateTensor, axes: readonly number[]): StateTensor {
  const { dtype, shape } = tensor;
  if ([...axes].sort((a, b) => a - b).some((axis, i) => axis !== i) || axes.length !== shape.length) {
    const allowed = `an order of the ${shape.length} axes of shape [${shape.join(', ')}]`;
    throw new WeightsError('WEIGHTS_BAD_LAYOUT', invalidArgument({ argument: 'axes', value: axes, allowed }));
  }
  const strides = contiguousStrides(shape);
  return {
    dtype,
    shape: axes.map((axis) => shape[axis]!),
    data: gather(
      tensor.data,
      0,
      axes.map((axis) => shape[axis]!),
      axes.map((axis) => strides[axis]!),
    ),
  };
}

/** Elements between neighbours along each axis, in C order. */
export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** A strided view written out in C order. */
export function gather<T extends StateTensor['data']>(
  data: T,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): T {
  const total = sizeOf(shape);
  const out = new (data.constructor as new (length: number) => T)(total);
  if (total === 0) return out;
  const rank = shape.length;
  const inner = rank === 0 ? 1 : shape[rank - 1]!;
  const step = rank === 0 ? 1 : strides[rank - 1]!;
  const index = new Array<number>(rank).fill(0);
  let from = offset;
  for (let to = 0; to < total; to += inner) {
    for (let i = 0; i < inner; i++) out[to + i] = data[from + i * step]!;
    // Counts the outer axes up like an odometer.
    for (let axis = rank - 2; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
