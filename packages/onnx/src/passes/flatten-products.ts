import type { Graph, Step, Value } from '../trace/graph.ts';

/**
 * Products of stacks of one matrix each, [1, rows, columns], as products of matrices: TensorFlow.js makes stacks of the
 * inputs of fused products, and ONNX's product with a bias takes matrices.
 */
export function flattenProducts(graph: Graph): Graph {
  const constants = new Map<Value, Value>();
  return { ...graph, steps: graph.steps.flatMap((step) => flattened(step, constants) ?? [step]) };
}

function flattened(step: Step, constants: Map<Value, Value>): Step[] | undefined {
  const { a, b, ...rest } = step.inputs;
  const [result] = step.outputs as [Value];
  const isProduct = step.kernel === '_FusedMatMul' || step.kernel === 'BatchMatMul';
  if (!isProduct || !a || !b || ![a, b, result].every(({ shape }) => shape.length === 3 && shape[0] === 1))
    return undefined;
  const before: Step[] = [];
  const matrix = (value: Value): Value => {
    const shape = value.shape.slice(1);
    if (value.kind === 'constant') {
      // One for all of its readers, or they would not be found to be the same.
      const flat = constants.get(value) ?? { ...value, shape };
      constants.set(value, flat);
      return flat;
    }
    const made: Value = { kind: 'computed', shape, dtype: value.dtype };
    before.push(reshape(step, value, made));
    return made;
  };
  const product: Value = { kind: 'computed', shape: result.shape.slice(1), dtype: result.dtype };
  const inputs = { a: matrix(a), b: matrix(b), ...rest };
  return [...before, { ...step, inputs, outputs: [product] }, reshape(step, product, result)];
}

function reshape({ place }: Step, x: Value, result: Value): Step {
  return { kernel: 'Reshape', inputs: { x }, attributes: { shape: result.shape }, outputs: [result], place };
}
