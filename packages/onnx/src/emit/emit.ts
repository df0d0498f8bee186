import { kernels } from '../kernels/index.ts';
import { elementTypes, type Initializer, type Node, type Port } from '../model/model.ts';
import { portNames, timesLength } from '../options.ts';
import { isBatch } from '../trace/dims.ts';
import type { Graph, Value } from '../trace/graph.ts';
import { unsupportedForm } from '../trace/unsupported.ts';
import { Emitter } from './emitter.ts';
import { arrange, channelsFirst, plain } from './layout.ts';
import { wantedLayouts } from './wanted.ts';

/** Types of the inputs that are not those of the traced function. */
export interface EmitOptions {
  timestepType: 'float32' | 'int64';
}

export interface EmittedGraph {
  inputs: Port[];
  outputs: Port[];
  nodes: Node[];
  initializers: Initializer[];
}

/** Writes a graph in ONNX's operators. */
export function emit(graph: Graph, { timestepType }: EmitOptions): EmittedGraph {
  const inputNames = graph.inputs.map(({ name }) => name);
  const emitter = new Emitter(wantedLayouts(graph), portNames.sample, new Set(inputNames));
  const inputs = graph.inputs.map((value): Port => {
    // All images lie as in ONNX's operators.
    if (value.shape.length === 4) {
      emitter.define(value, value.name, channelsFirst);
      return port(value, channelsFirst, value.name);
    }
    // One number for all images, or one for each: both are repeated to the batch.
    const type = value.name === portNames.timestep ? timestepType : value.dtype;
    const number =
      type === value.dtype ? value.name : emitter.operator('Cast', [value.name], { to: elementTypes[value.dtype] });
    const repeats = value.shape.length === 1 && isBatch(value.shape[0]!);
    emitter.define(value, repeats ? emitter.operator('Expand', [number, emitter.shape(value.shape)]) : number);
    const own = port(value, plain(value.shape.length), value.name);
    return repeats
      ? { ...own, type, dims: [value.name === portNames.timestep ? timesLength : `${value.name}s`] }
      : { ...own, type };
  });
  for (const step of graph.steps) {
    emitter.at(step.place);
    try {
      kernels[step.kernel]!.emit(step, emitter);
    } catch (cause) {
      throw unsupportedForm(step.kernel, step.place, cause);
    }
  }
  const [result] = graph.outputs as [Value];
  const read = emitter.read(result, result.shape.length === 4 ? channelsFirst : plain(result.shape.length));
  // An output has to be what a node makes, also where it is an input or a constant.
  const isMade = emitter.nodes.some(({ outputs }) => outputs.includes(read));
  const name = isMade ? read : emitter.operator('Identity', [read]);
  const renamed = (names: readonly string[]) => names.map((other) => (other === name ? portNames.output : other));
  const nodes = emitter.nodes.map((node) => ({
    ...node,
    inputs: renamed(node.inputs),
    outputs: renamed(node.outputs),
  }));
  const outputs = [port(result, channelsFirst, portNames.output)];
  return { inputs, outputs, nodes, initializers: emitter.initializers };
}

function port(value: Value, layout: readonly number[], name: string): Port {
  const dims = arrange(value.shape, layout).map((dim) =>
    !isBatch(dim) ? dim : dim.times === 1 ? 'batch' : `${dim.times}*batch`,
  );
  return { name, type: value.dtype, dims };
}
