import { OnnxError } from '../errors.ts';
import { WireReader } from './wire.ts';

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
    const reader = new WireReader(bytes);
    reader.file((field) => {
      if (field === 2) info.producer = reader.text();
      if (field === 7) {
        graphs++;
        reader.message((inner) => {
          if (inner === 5) reader.message((part) => part === 8 && weights.add(reader.text()));
          if (inner === 11) info.inputs.push(readPort(reader));
          if (inner === 12) info.outputs.push(readPort(reader));
        });
      }
      if (field === 14) {
        const entry = ['', ''];
        reader.message((part) => {
          if (part === 1 || part === 2) entry[part - 1] = reader.text();
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

function readPort(reader: WireReader): PortInfo {
  const port: PortInfo = { name: '', type: 0, dims: [] };
  reader.message((field) => {
    if (field === 1) port.name = reader.text();
    if (field !== 2) return;
    // type, tensor type, shape, length
    reader.message((kind) => {
      if (kind !== 1) return;
      reader.message((part) => {
        if (part === 1) port.type = reader.integer();
        if (part !== 2) return;
        reader.message((axis) => {
          if (axis !== 1) return;
          let length: number | string = '';
          reader.message((key) => {
            if (key === 1) length = reader.integer();
            if (key === 2) length = reader.text();
          });
          port.dims.push(length);
        });
      });
    });
  });
  return port;
}
