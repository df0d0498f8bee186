/**
 * The names of operations' outputs (TensorFlow's ops.pbtxt), which the body of a function has to know: `output`, unless
 * listed here. More than one: in order.
 */
const groups: Record<string, string> = {
  y:
    'Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil ComplexAbs Cos Cosh Erf Erfc Exp Expm1 Floor IsFinite IsInf IsNan ' +
    'Log Log1p LogicalNot Neg OnesLike Reciprocal Rint Round Rsqrt Sigmoid Sign Sin Sinh Sqrt Square Tan Tanh Transpose ZerosLike ' +
    'MissingUBias MissingUConvolution MissingUGroupNorm MissingULinearCombination MissingUVelocityAcceleration',
  z:
    'Add AddV2 Atan2 Div DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr Maximum ' +
    'Minimum Mul MulNoNan NotEqual Pow RealDiv RsqrtGrad SigmoidGrad SqrtGrad SquaredDifference Sub TanhGrad Xdivy Xlogy',
  activations: 'Elu LeakyRelu Relu Relu6 Selu Softplus Softsign',
  backprops: 'EluGrad LeakyReluGrad Relu6Grad ReluGrad SeluGrad SoftplusGrad',
  softmax: 'Softmax',
  logsoftmax: 'LogSoftmax',
  product: 'MatMul _FusedMatMul',
  sum: 'AddN',
  out: 'Complex Cumprod Cumsum',
  resized_images: 'ResizeBilinear ResizeBicubic ResizeNearestNeighbor',
  dense: 'SparseToDense',
  bins: 'Bincount',
  crops: 'CropAndResize',
  in_backprop: 'Dilation2DBackpropInput',
  filter_backprop: 'Dilation2DBackpropFilter',
  ts: 'Timestamp',
  'values indices': 'TopKV2',
  sums: 'MissingUChannelSums',
  norm: 'MissingUVectorNorm',
  'dz dbias': 'MissingUReluBiasGrad',
  'dx dscale dshift': 'MissingUGroupNormGrad',
  'y batch_mean batch_variance reserve_space_1 reserve_space_2 reserve_space_3': 'FusedBatchNormV3',
};

/** Operations with one output, or one list of them, of the name `output`. */
const usual = new Set(
  (
    'All Any ArgMax ArgMin AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad BatchMatMul BatchMatMulV2 BatchToSpaceND BiasAdd ' +
    'BiasAddGrad BroadcastTo Concat ConcatV2 Conv2D Conv2DBackpropFilter Conv2DBackpropInput Conv3D Conv3DBackpropFilterV2 ' +
    'Conv3DBackpropInputV2 DepthToSpace DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter ' +
    'DepthwiseConv2dNativeBackpropInput Diag Dilation2D Einsum ExpandDims FFT Fill GatherNd GatherV2 IFFT Identity Imag LRN ' +
    'LRNGrad LinSpace Max MaxPool MaxPool3D MaxPool3DGrad MaxPoolGrad Mean Min MirrorPad MissingUAdam OneHot Pack Pad PadV2 Prod Range ' +
    'Real Reshape ResizeBilinearGrad ResizeNearestNeighborGrad ReverseV2 ScatterNd Select SelectV2 Slice SpaceToBatchND ' +
    'SpaceToDepth Split SplitV Squeeze StridedSlice Sum TensorScatterUpdate Tile UnsortedSegmentSum Unpack'
  ).split(' '),
);

const listed = new Map<string, readonly string[]>(
  Object.entries(groups).flatMap(([outputs, names]) => names.split(' ').map((name) => [name, outputs.split(' ')])),
);

/** An output of an operation in the notation of a function's body, `name:index`; undefined for an unknown operation. */
export function outputInBody(operation: string, output: number): string | undefined {
  if (usual.has(operation)) return `output:${output}`;
  const name = listed.get(operation)?.[output];
  return name === undefined ? undefined : `${name}:0`;
}
