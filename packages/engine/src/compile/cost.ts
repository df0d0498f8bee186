import { bytesOf, signatureOf, type Node, type OperationNode, type Signature } from './trace.ts';

/** Rough speeds of a processor: only their proportion counts, which is what it costs to compute instead of to keep. */
const [operationsPerSecond, bytesPerSecond] = [1e11, 1e10];

/** About how long an operation takes, in seconds: the time of its arithmetic and of going through its operands and results. */
export function cost(nodes: readonly Node[], node: OperationNode): number {
  const inputs = node.inputs.map((ref) => signatureOf(nodes, ref));
  const bytes = [...inputs, ...node.outputs].reduce((sum, signature) => sum + bytesOf(signature), 0);
  return (2 * products(node.name, inputs, node.outputs[0])) / operationsPerSecond + bytes / bytesPerSecond;
}

/** Multiplications of an operation that is made of sums of products, 0 for others. */
function products(name: string, inputs: readonly Signature[], output: Signature | undefined): number {
  const size = (signature: Signature | undefined) => signature?.shape.reduce((product, n) => product * n, 1) ?? 0;
  /** Of a filter [..., in, out] applied at each of so many outputs. */
  const each = (filter: Signature | undefined, outputs: number) =>
    (outputs * size(filter)) / (filter?.shape.at(-1) ?? 1);
  switch (name) {
    case 'Conv2D':
    case 'Conv3D':
      return each(inputs[1], size(output));
    case 'Conv2DBackpropInput':
    case 'Conv3DBackpropInputV2':
      return each(inputs[1], size(inputs[2]));
    case 'Conv2DBackpropFilter':
    case 'Conv3DBackpropFilterV2':
      return each(output, size(inputs[2]));
    case 'MatMul':
    case '_FusedMatMul':
    case 'BatchMatMul':
    case 'BatchMatMulV2': {
      // (m k) (k n) (m n) is the square of the products of one pair of matrices.
      const pairs = output?.shape.slice(0, -2).reduce((product, n) => product * n, 1) ?? 1;
      return Math.sqrt((size(inputs[0]) * size(inputs[1]) * size(output)) / pairs);
    }
    default:
      return 0;
  }
}
