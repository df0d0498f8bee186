import type { DType } from '../dtypes.ts';
import { numpyGlobals } from '../pickle/numpy.ts';
import { Named, type PickleGlobal } from '../pickle/unpickle.ts';
import { broken, TorchTensor, TypedStorage } from './storage.ts';

const dtypeNames: Readonly<Record<string, DType>> = {
  float64: 'float64',
  float32: 'float32',
  float16: 'float16',
  bfloat16: 'bfloat16',
  float8_e4m3fn: 'float8_e4m3fn',
  float8_e5m2: 'float8_e5m2',
  int64: 'int64',
  int32: 'int32',
  int16: 'int16',
  int8: 'int8',
  uint64: 'uint64',
  uint32: 'uint32',
  uint16: 'uint16',
  uint8: 'uint8',
  bool: 'bool',
};

const storageClasses: Readonly<Record<string, DType>> = {
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  LongStorage: 'int64',
  IntStorage: 'int32',
  ShortStorage: 'int16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
};

/** The class of a storage, as a pickle names it; its dtype is undefined where the tensor says it. */
export class StorageClass {
  constructor(readonly dtype: DType | undefined) {}
}

/**
 * What a PyTorch pickle may name: storages, dtypes, and the functions that put tensors together. Each tensor made goes
 * through `made`, since its data come later.
 */
export function torchGlobals(made: (tensor: TorchTensor) => void): Record<string, PickleGlobal> {
  const rebuild = (
    storage: unknown,
    dtype: DType | undefined,
    offset: unknown,
    shape: unknown,
    strides: unknown,
    flags: unknown,
  ) => {
    if (!(storage instanceof TypedStorage)) throw broken('a tensor without a storage');
    if (dtype === undefined) throw broken('a tensor without a dtype');
    if (typeof offset !== 'number' || !Array.isArray(shape) || !Array.isArray(strides))
      throw broken('a tensor without a shape');
    const tensor = new TorchTensor(
      storage.storage,
      dtype,
      storage.offset + offset,
      shape as number[],
      strides as number[],
      flags instanceof Map && flags.get('neg') === true,
    );
    made(tensor);
    return tensor;
  };
  // Between the strides and what comes after are requires_grad and hooks; the last are flags, such as of a negated view.
  type Layout = [storage: unknown, offset: unknown, shape: unknown, strides: unknown, grad: unknown, hooks: unknown];
  const typed = (...[storage, offset, shape, strides, , , flags]: [...Layout, flags?: unknown]) =>
    rebuild(storage, (storage as TypedStorage | undefined)?.dtype, offset, shape, strides, flags);
  const untyped = (
    ...[storage, offset, shape, strides, , , dtype, flags]: [...Layout, dtype: unknown, flags?: unknown]
  ) => rebuild(storage, typeof dtype === 'string' ? dtypeNames[dtype] : undefined, offset, shape, strides, flags);
  const parameter = (tensor: unknown) => tensor;
  // Of a tensor with attributes of its own, which are left out: the function that makes it, its class, the arguments, the state.
  const fromType = (make: unknown, _type: unknown, args: unknown) => {
    if (!(make instanceof Named) || !Array.isArray(args)) throw broken('a tensor that nothing makes');
    return make.call(...(args as unknown[]));
  };

  const classes = Object.entries(storageClasses).map(
    ([name, dtype]) => [name, { value: new StorageClass(dtype) }] as const,
  );
  return {
    ...numpyGlobals,
    ...Object.fromEntries(classes.map(([name, value]) => [`torch.${name}`, value])),
    ...Object.fromEntries(Object.keys(dtypeNames).map((name) => [`torch.${name}`, { value: name }])),
    'torch.storage.UntypedStorage': { value: new StorageClass(undefined) },
    'torch._utils._rebuild_tensor': typed,
    'torch._utils._rebuild_tensor_v2': typed,
    'torch._utils._rebuild_tensor_v3': untyped,
    'torch._tensor._rebuild_from_type_v2': fromType,
    'torch.Tensor': { value: 'torch.Tensor' },
    'torch._utils._rebuild_parameter': parameter,
    'torch._utils._rebuild_parameter_with_state': parameter,
    'torch.Size': (sizes: unknown) => sizes,
    'torch.device': (kind: unknown) => (typeof kind === 'string' ? kind : null),
  };
}
