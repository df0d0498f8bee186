import { PbfWriter } from 'pbf';
import { elementTypes, type Attribute, type Initializer, type Model, type Node, type Port } from './model.ts';

/** Where the numbers of large constants are, if not in the file itself. */
export interface ExternalData {
  /** Name of the file beside the model. */
  location: string;
  /** What it holds, one after the other. */
  parts: Uint8Array[];
}

/** Smaller constants stay in the model's file: other readers than onnxruntime want shapes there. */
const leastExternal = 1024;

/** External data starts at multiples of this, so that it can be mapped. */
const alignment = 4096;

/** The bytes of a model; with `external`, large constants go there. */
export function writeModel(model: Model, external?: ExternalData): Uint8Array<ArrayBuffer> {
  const size = model.initializers.reduce((sum, { bytes }) => sum + (external === undefined ? bytes.length : 0), 0);
  const pbf = new PbfWriter(new Uint8Array(size + 256 * (model.nodes.length + model.initializers.length) + 65536));
  writeProto(model, pbf, external);
  return pbf.finish() as Uint8Array<ArrayBuffer>;
}

function writeProto(model: Model, pbf: PbfWriter, external?: ExternalData): void {
  varint(pbf, 1, 8); // IR version of opset 17
  pbf.writeStringField(2, model.producer);
  pbf.writeStringField(3, model.producerVersion);
  pbf.writeStringField(6, model.description);
  pbf.writeMessage(8, (version: number, p) => varint(p, 2, version), model.opset);
  for (const entry of Object.entries(model.metadata)) pbf.writeMessage(14, writeEntry, entry);
  // The graph comes last, so that a file that is cut off anywhere shows it.
  pbf.writeMessage(7, (graph: Model, p) => writeGraph(graph, p, external), model);
}

function writeGraph(model: Model, pbf: PbfWriter, external?: ExternalData): void {
  for (const node of model.nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, model.name);
  let offset = 0;
  for (const initializer of model.initializers) {
    if (external === undefined || initializer.bytes.length < leastExternal) {
      pbf.writeMessage(5, writeInitializer, initializer);
      continue;
    }
    const gap = -offset & (alignment - 1);
    if (gap > 0) external.parts.push(new Uint8Array(gap));
    offset += gap;
    external.parts.push(initializer.bytes);
    const place = { location: external.location, offset: String(offset), length: String(initializer.bytes.length) };
    pbf.writeMessage(5, (tensor: Initializer, p) => writeExternal(tensor, place, p), initializer);
    offset += initializer.bytes.length;
  }
  for (const port of model.inputs) pbf.writeMessage(11, writePort, port);
  for (const port of model.outputs) pbf.writeMessage(12, writePort, port);
}

function writeNode({ inputs, outputs, name, operator, attributes }: Node, pbf: PbfWriter): void {
  for (const input of inputs) string(pbf, 1, input);
  for (const output of outputs) string(pbf, 2, output);
  pbf.writeStringField(3, name);
  pbf.writeStringField(4, operator);
  for (const entry of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, entry);
}

/** Numbers of the kinds of attributes, as in onnx.proto3. */
const kinds = { float: 1, int: 2, string: 3, ints: 7 } as const;

function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  if (typeof value === 'number') {
    varint(pbf, 3, value);
    varint(pbf, 20, kinds.int);
  } else if (typeof value === 'string') {
    pbf.writeBytesField(4, new TextEncoder().encode(value));
    varint(pbf, 20, kinds.string);
  } else if ('float' in value) {
    pbf.writeTag(2, 5);
    pbf.writeFloat(value.float);
    varint(pbf, 20, kinds.float);
  } else {
    for (const item of value) varint(pbf, 8, item);
    varint(pbf, 20, kinds.ints);
  }
}

function writeInitializer({ name, dims, type, bytes }: Initializer, pbf: PbfWriter): void {
  for (const dim of dims) varint(pbf, 1, dim);
  varint(pbf, 2, elementTypes[type]);
  pbf.writeStringField(8, name);
  pbf.writeBytesField(9, bytes);
}

function writeExternal({ name, dims, type }: Initializer, place: Record<string, string>, pbf: PbfWriter): void {
  for (const dim of dims) varint(pbf, 1, dim);
  varint(pbf, 2, elementTypes[type]);
  pbf.writeStringField(8, name);
  for (const entry of Object.entries(place)) pbf.writeMessage(13, writeEntry, entry);
  varint(pbf, 14, 1); // the data lies elsewhere
}

function writeEntry([key, value]: [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(1, key);
  pbf.writeStringField(2, value);
}

function writePort({ name, type, dims }: Port, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  const shape = (_: null, p: PbfWriter) => {
    for (const dim of dims) {
      const write = (length: number | string, q: PbfWriter) => {
        if (typeof length === 'number') varint(q, 1, length);
        else q.writeStringField(2, length);
      };
      p.writeMessage(1, write, dim);
    }
  };
  const tensor = (_: null, p: PbfWriter) => {
    varint(p, 1, elementTypes[type]);
    p.writeMessage(2, shape, null);
  };
  pbf.writeMessage(2, (_: null, p: PbfWriter) => p.writeMessage(1, tensor, null), null);
}

/** Zeros and empty strings too, which the library's own field functions may leave out. */
function varint(pbf: PbfWriter, tag: number, value: number): void {
  pbf.writeTag(tag, 0);
  pbf.writeVarint(value);
}

function string(pbf: PbfWriter, tag: number, value: string): void {
  pbf.writeTag(tag, 2);
  pbf.writeString(value);
}
