import { PbfReader } from 'pbf';
import { OnnxError } from '../errors.ts';

/** An input or output of a model of anybody. */
export interface PortInfo {
  name: string;
  /** Number of the type of elements, as in onnx.proto3. */
  type: number;
  /** A length that can vary is a name, or empty. */
  dims: (number | string)[];
}

/** What is read of a file before it is run. */
export interface ModelInfo {
  producer: string;
  metadata: Record<string, string>;
  inputs: PortInfo[];
  outputs: PortInfo[];
}

/** Reads the outside of a model, and passes over its weights. Throws `ONNX_INVALID_FILE`. */
export function readModel(bytes: Uint8Array, source: string): ModelInfo {
  const info: ModelInfo = { producer: '', metadata: {}, inputs: [], outputs: [] };
  const weights = new Set<string>();
  let graphs = 0;
  try {
    message(new PbfReader(bytes), bytes.length, (field, pbf) => {
      if (field === 2) info.producer = pbf.readString();
      if (field === 7) {
        graphs++;
        nested(pbf, (inner) => {
          if (inner === 5) nested(pbf, (part) => part === 8 && weights.add(pbf.readString()));
          if (inner === 11) info.inputs.push(readPort(pbf));
          if (inner === 12) info.outputs.push(readPort(pbf));
        });
      }
      if (field === 14) {
        const entry = ['', ''];
        nested(pbf, (part) => {
          if (part === 1 || part === 2) entry[part - 1] = pbf.readString();
        });
        info.metadata[entry[0]!] = entry[1]!;
      }
    });
  } catch (cause) {
    throw invalidFile(source, `it is cut off or damaged (${(cause as Error).message})`, cause);
  }
  if (graphs !== 1 || info.outputs.length === 0) throw invalidFile(source, 'there is no graph in it');
  // Old files list their weights among the inputs.
  info.inputs = info.inputs.filter(({ name }) => !weights.has(name));
  return info;
}

export function invalidFile(source: string, why: string, cause?: unknown): OnnxError {
  return new OnnxError(
    'ONNX_INVALID_FILE',
    `${source} is no ONNX file that can be used: ${why}. Download or export it again.`,
    cause === undefined ? {} : { cause },
  );
}

function readPort(pbf: PbfReader): PortInfo {
  const port: PortInfo = { name: '', type: 0, dims: [] };
  nested(pbf, (field) => {
    if (field === 1) port.name = pbf.readString();
    if (field !== 2) return;
    // type, tensor type, shape, length
    nested(pbf, (kind) => {
      if (kind !== 1) return;
      nested(pbf, (part) => {
        if (part === 1) port.type = pbf.readVarint();
        if (part !== 2) return;
        nested(pbf, (axis) => {
          if (axis !== 1) return;
          let length: number | string = '';
          nested(pbf, (key) => {
            if (key === 1) length = pbf.readVarint(true);
            if (key === 2) length = pbf.readString();
          });
          port.dims.push(length);
        });
      });
    });
  });
  return port;
}

function nested(pbf: PbfReader, read: (field: number, pbf: PbfReader) => unknown): void {
  const length = pbf.readVarint();
  message(pbf, pbf.pos + length, read);
}

/** The fields of a message, of which `read` takes what it wants; the library itself does not mind an end that never comes. */
function message(pbf: PbfReader, end: number, read: (field: number, pbf: PbfReader) => unknown): void {
  if (end > pbf.length) throw new Error(`${end - pbf.length} bytes are missing`);
  while (pbf.pos < end) {
    const tag = pbf.readVarint();
    const start = pbf.pos;
    pbf.type = tag & 7;
    if (tag >> 3 === 0) throw new Error('a field without a number');
    read(tag >> 3, pbf);
    if (pbf.pos === start) pbf.skip(tag);
    if (pbf.pos > end) throw new Error('a field is longer than what it stands in');
  }
}
