import { attributeTypes, type Attribute, type HostValues } from './backend.ts';
import { outputInBody } from './op-outputs.ts';
import type { Program } from './program.ts';
import { Message } from './protobuf.ts';
import { unsupported } from './refusals.ts';
import { signatureOf, type OperationNode, type Ref, type Signature } from './trace.ts';

/** Any version that TensorFlow 2 reads: it decides about no operation that TensorFlow.js uses. */
const producer = 1087;

/** A program as TensorFlow loads it, with the names of its inputs and outputs there. */
export interface SavedModel {
  bytes: Uint8Array;
  inputs: string[];
  outputs: string[];
}

/**
 * A program as a `SavedModel` (saved_model.proto) without variables: one graph, with the tag `serve`.
 *
 * The nodes are the body of one function, which the graph calls. A graph of its own would be rewritten by TensorFlow
 * (grappler): operations merged, sums reordered, divisions made multiplications, so that results differ from those of the
 * function in their last digits. For a function the call says what may be rewritten, and nothing that changes a digit is.
 */
export function savedModel(program: Program): SavedModel {
  const { nodes, inputs, outputs } = program;
  const graph = new Message();
  const known = isKnown(program);
  if (known) {
    for (const input of inputs) graph.block(1, definition(program, input, outputName));
    graph.block(1, callOfBody(program, functionName));
    graph.block(2, new Message().block(1, body(program, functionName)));
  } else {
    nodes.forEach((_, i) => graph.block(1, definition(program, i, outputName)));
  }
  graph.block(4, new Message().integer(1, producer));
  const metaGraph = new Message().block(1, new Message().block(4, 'serve')).block(2, graph);
  return {
    bytes: new Message().integer(1, 1).block(2, metaGraph).bytes,
    inputs: inputs.map(nodeName),
    outputs: outputs.map((ref, i) => (known ? `${call}:${i}` : outputName(ref))),
  };
}

/** Functions of which the last one is a program. */
export interface Functions {
  names: readonly string[];
  /** As `FunctionDef`s. */
  definitions: readonly Uint8Array[];
}

/** A program as a function that calls another one, its body, as the graph of `savedModel` does; undefined for unknown operations. */
export function asFunctions(program: Program, name: string): Functions | undefined {
  if (!isKnown(program)) return undefined;
  const inner = `${name}_body`;
  const outer = new Message().block(1, signature(program, name)).block(3, callOfBody(program, inner));
  program.outputs.forEach((_, i) => outer.block(4, new Message().block(1, `r${i}`).block(2, `${call}:output:${i}`)));
  return { names: [inner, name], definitions: [body(program, inner).bytes, outer.bytes] };
}

/** Names in the graph. */
const [call, functionName] = ['call', 'recorded'];

/** Whether the names of all operations' outputs are known, which functions refer to. */
function isKnown({ nodes }: Program): boolean {
  return nodes.every((node) => node.kind !== 'operation' || outputInBody(node.name, 0) !== undefined);
}

function nodeName(index: number): string {
  return `n${index}`;
}

/** An output of a node in the notation of graphs. */
function outputName({ node, output }: Ref): string {
  return output === 0 ? nodeName(node) : `${nodeName(node)}:${output}`;
}

/** The nodes as a `FunctionDef` (function.proto). */
function body(program: Program, name: string): Message {
  const { nodes, outputs } = program;
  const inBody = (ref: Ref): string => {
    const node = nodes[ref.node]!;
    if (node.kind === 'input') return nodeName(ref.node);
    const output = node.kind === 'constant' ? 'output:0' : outputInBody(node.name, ref.output);
    return `${nodeName(ref.node)}:${output}`;
  };
  const definitions = new Message().block(1, signature(program, name));
  nodes.forEach(({ kind }, i) => {
    if (kind !== 'input') definitions.block(3, definition(program, i, inBody));
  });
  outputs.forEach((ref, i) => definitions.block(4, new Message().block(1, `r${i}`).block(2, inBody(ref))));
  // Not made part of the graph that calls it, and passed over when that graph is rewritten.
  for (const name of ['_noinline', '_tf_data_function']) {
    definitions.block(5, new Message().block(1, name).block(2, new Message().integer(5, true)));
  }
  return definitions;
}

/** What a function takes and returns: an `OpDef` (op_def.proto). */
function signature({ nodes, inputs, outputs }: Program, name: string): Message {
  const argument = (name: string, ref: Ref) => new Message().block(1, name).integer(3, signatureOf(nodes, ref).dtype);
  const message = new Message().block(1, name);
  for (const node of inputs) message.block(2, argument(nodeName(node), { node, output: 0 }));
  outputs.forEach((ref, i) => message.block(3, argument(`r${i}`, ref)));
  return message;
}

/** The node that calls the body. */
function callOfBody({ nodes, inputs, outputs }: Program, name: string): Message {
  const types = (refs: readonly Ref[]) => {
    const list = new Message();
    for (const ref of refs) list.integer(6, signatureOf(nodes, ref).dtype);
    return new Message().block(1, list);
  };
  const message = new Message().block(1, call).block(2, 'PartitionedCall');
  for (const input of inputs) message.block(3, nodeName(input));
  const attribute = (name: string, value: Message) => message.block(5, new Message().block(1, name).block(2, value));
  attribute('Tin', types(inputs.map((node) => ({ node, output: 0 }))));
  attribute('Tout', types(outputs));
  attribute('f', new Message().block(10, new Message().block(1, name)));
  attribute('config_proto', new Message().block(2, config()));
  return message;
}

/** A `ConfigProto` (config.proto) without grappler: `graph_options.rewrite_options.disable_meta_optimizer`. */
function config(): Message {
  return new Message().block(10, new Message().block(10, new Message().integer(19, true)));
}

function definition(program: Program, index: number, reference: (ref: Ref) => string): Message {
  const node = program.nodes[index]!;
  const message = new Message().block(1, nodeName(index));
  if (node.kind === 'operation') return operation(message, program, node, index, reference);
  const attribute = (name: string, value: Message) => message.block(5, new Message().block(1, name).block(2, value));
  message.block(2, node.kind === 'input' ? 'Placeholder' : 'Const');
  attribute('dtype', new Message().integer(6, node.dtype));
  if (node.kind === 'input') attribute('shape', new Message().block(7, shape(node.shape)));
  else attribute('value', new Message().block(8, tensor(node, node.values)));
  return message;
}

function operation(
  message: Message,
  { nodes, control }: Program,
  node: OperationNode,
  index: number,
  reference: (ref: Ref) => string,
): Message {
  message.block(2, node.name);
  for (const input of node.inputs) message.block(3, reference(input));
  for (const before of control?.get(index) ?? []) message.block(3, `^${nodeName(before)}`);
  // An attribute that is given twice counts the last time, as for an operation that is executed at once.
  for (const attribute of new Map(node.attributes.map((each) => [each.name, each])).values()) {
    message.block(5, new Message().block(1, attribute.name).block(2, attributeValue(attribute, node)));
  }
  // TensorFlow.js leaves this one type to be inferred, which a graph does not do.
  if (node.name === 'ExpandDims') {
    const type = new Message().integer(6, signatureOf(nodes, node.inputs[0]!).dtype);
    message.block(5, new Message().block(1, 'T').block(2, type));
  }
  return message;
}

/** An `AttrValue`, or its `ListValue` where the value is an array. */
function attributeValue({ type, value }: Attribute, node: OperationNode): Message {
  const message = new Message();
  if (type === attributeTypes.shape) return message.block(7, shape(value as number[]));
  if (!Array.isArray(value)) return scalar(message, type, value, node);
  const list = new Message();
  for (const element of value) scalar(list, type, element, node);
  return message.block(1, list);
}

function scalar(message: Message, type: number, value: unknown, node: OperationNode): Message {
  switch (type) {
    case attributeTypes.string:
      return message.block(2, value as string);
    case attributeTypes.int:
      return message.integer(3, value as number);
    case attributeTypes.float:
      return message.float(4, value as number);
    case attributeTypes.bool:
      return message.integer(5, value as boolean);
    case attributeTypes.type:
      return message.integer(6, value as number);
    default:
      throw unsupported(node.name, node.line);
  }
}

function shape(sizes: readonly number[]): Message {
  const message = new Message();
  for (const size of sizes) message.block(2, new Message().integer(1, size));
  return message;
}

function tensor(signature: Signature, values: HostValues): Message {
  const view = values as Exclude<HostValues, Uint8Array[]>;
  return new Message()
    .integer(1, signature.dtype)
    .block(2, shape(signature.shape))
    .block(4, new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
}
