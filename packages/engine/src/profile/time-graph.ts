import type * as tf from '@tensorflow/tfjs-core';
import { attributeTypes, dataTypes, type GraphBackend } from '../compile/backend.ts';
import type { CompiledGraph } from '../compile/graph.ts';
import type { Program } from '../compile/program.ts';
import { Session } from '../compile/session.ts';
import { SourceLine } from '../compile/source-line.ts';
import type { Node, OperationNode, Ref } from '../compile/trace.ts';
import type { ProfiledOperation } from './profile.ts';

const double = 2;

/**
 * Runs a graph with a clock read after each operation. What an operation took is the time since the one before it finished,
 * so that operations side by side share the time that both took.
 */
export function timeGraph(
  backend: GraphBackend,
  graph: CompiledGraph,
  args: readonly tf.Tensor[],
): ProfiledOperation[] {
  const { nodes, inputs, control, result, timed } = withClocks(graph.program);
  const session = new Session(backend, { nodes, inputs, outputs: [result], control });
  try {
    const current = graph.inputsOf(args);
    const ids = () => backend.getInputTensorIds(inputs.map((node) => current.get(node)!));
    const seconds = () => {
      const tensor = backend.createOutputTensor(session.run(ids())[0]!);
      const values = tensor.dataSync();
      tensor.dispose();
      return values;
    };
    // The first run optimises the graph.
    seconds();
    return toOperations(graph.program.nodes, timed, seconds());
  } finally {
    session.dispose();
  }
}

function toOperations(
  nodes: readonly Node[],
  timed: readonly number[],
  seconds: ArrayLike<number>,
): ProfiledOperation[] {
  const ends = timed.map((node, i) => ({ node: nodes[node] as OperationNode, end: 1e3 * seconds[i]! }));
  ends.sort((a, b) => a.end - b.end);
  return ends.map(({ node, end }, i) => {
    const begin = i === 0 ? 0 : ends[i - 1]!.end;
    return { name: node.name, shape: node.outputs[0]?.shape ?? [], begin, milliseconds: end - begin };
  });
}

/** The nodes, and for each operation the time at which it was finished, as one vector of seconds since the beginning. */
function withClocks({ nodes: original, control: waits = new Map() }: Program) {
  const nodes = [...original];
  const control = new Map<number, readonly number[]>(waits);
  const line = new SourceLine();
  const type = (name: string, value: number) => ({ name, type: attributeTypes.type, value });
  const add = (
    name: string,
    inputs: readonly Ref[],
    attributes: OperationNode['attributes'] = [],
    dtype: number = double,
  ): Ref => {
    const output = { shape: [], dtype };
    const node = nodes.push({ kind: 'operation', name, attributes, inputs, outputs: [output], line }) - 1;
    return { node, output: 0 };
  };
  const begin = add('Timestamp', []);
  const timed = original.flatMap(({ kind }, i) => (kind === 'operation' ? [i] : []));
  // Nothing begins before the clock does; what reads results comes after these anyway.
  for (const i of timed) {
    const { inputs } = original[i] as OperationNode;
    if (inputs.some(({ node }) => original[node]!.kind === 'operation')) continue;
    control.set(i, [...(control.get(i) ?? []), begin.node]);
  }
  const clocks = timed.map((node) => {
    const clock = add('Timestamp', []);
    control.set(clock.node, [node]);
    return clock;
  });
  const axis = { name: 'axis', type: attributeTypes.int, value: 0 };
  const count = { name: 'N', type: attributeTypes.int, value: clocks.length };
  const packed = add('Pack', clocks, [type('T', double), axis, count]);
  const since = add('Sub', [packed, begin], [type('T', double)]);
  const truncate = { name: 'Truncate', type: attributeTypes.bool, value: false };
  const toFloat = [type('SrcT', double), type('DstT', dataTypes.float32), truncate];
  const result = add('Cast', [since], toFloat, dataTypes.float32);
  const inputs = original.flatMap(({ kind }, i) => (kind === 'input' ? [i] : []));
  return { nodes, inputs, control, result, timed };
}
