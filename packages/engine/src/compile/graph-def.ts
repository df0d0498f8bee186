import { attributeTypes, type Attribute, type HostValues } from './backend.ts';
import { Message } from './protobuf.ts';
import { unsupported } from './refusals.ts';
import { signatureOf, type Node, type OperationNode, type Ref, type Signature } from './trace.ts';

/** Any version that TensorFlow 2 reads: it decides about no operation that TensorFlow.js uses. */
const producer = 1087;

/**
 * Nodes as a `SavedModel` (saved_model.proto) without variables: one graph, with the tag `serve`.
 *
 * @param control further nodes that have to be finished before a node begins, by node.
 */
export function savedModel(
  nodes: readonly Node[],
  control: ReadonlyMap<number, readonly number[]> = new Map(),
): Uint8Array {
  const graph = new Message();
  nodes.forEach((_, i) => graph.block(1, definition(nodes, i, control.get(i) ?? [])));
  graph.block(4, new Message().integer(1, producer));
  const metaGraph = new Message().block(1, new Message().block(4, 'serve')).block(2, graph);
  return new Message().integer(1, 1).block(2, metaGraph).bytes;
}

/** The name of a node in the graph. */
export function nodeName(index: number): string {
  return `n${index}`;
}

/** An output of a node in the notation of TensorFlow. */
export function outputName({ node, output }: Ref): string {
  return output === 0 ? nodeName(node) : `${nodeName(node)}:${output}`;
}

function definition(nodes: readonly Node[], index: number, control: readonly number[]): Message {
  const node = nodes[index]!;
  const message = new Message().block(1, nodeName(index));
  if (node.kind === 'operation') return operation(message, nodes, node, control);
  const attribute = (name: string, value: Message) => message.block(5, new Message().block(1, name).block(2, value));
  message.block(2, node.kind === 'input' ? 'Placeholder' : 'Const');
  attribute('dtype', new Message().integer(6, node.dtype));
  if (node.kind === 'input') attribute('shape', new Message().block(7, shape(node.shape)));
  else attribute('value', new Message().block(8, tensor(node, node.values)));
  return message;
}

function operation(message: Message, nodes: readonly Node[], node: OperationNode, control: readonly number[]): Message {
  message.block(2, node.name);
  for (const input of node.inputs) message.block(3, outputName(input));
  for (const before of control) message.block(3, `^${nodeName(before)}`);
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
