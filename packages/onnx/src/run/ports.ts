import { OnnxError } from '../errors.ts';
import type { ModelInfo, PortInfo } from '../model/read.ts';
import { elements } from './elements.ts';

/** Where the channels of a model's images are. */
export type ImageLayout = 'NCHW' | 'NHWC';

/** Which input and output of a model is what. */
export interface Ports {
  sample: PortInfo;
  timestep: PortInfo;
  /** Further inputs. */
  conditions: PortInfo[];
  output: PortInfo;
  layout: ImageLayout;
}

/** Finds images, times and prediction among what a model takes and gives, by their names and shapes. */
export function findPorts({ inputs, outputs, metadata }: ModelInfo, source: string, layout?: ImageLayout): Ports {
  const sample =
    byName(inputs, ['sample', 'x', 'latent_model_input', 'input']) ?? inputs.find(({ dims }) => dims.length === 4);
  const others = inputs.filter((port) => port !== sample);
  const timestep =
    byName(others, ['timestep', 'timesteps', 't', 'time', 'sigma']) ?? others.find(({ dims }) => dims.length <= 1);
  const output =
    byName(outputs, ['out_sample', 'sample', 'noise_pred']) ??
    outputs.find(({ dims }) => dims.length === 4) ??
    outputs[0];
  if (sample?.dims.length !== 4 || timestep === undefined || timestep.dims.length > 1 || output === undefined) {
    const describe = (ports: PortInfo[]) => ports.map(({ name, dims }) => `${name} [${dims.join(', ')}]`).join('; ');
    throw new OnnxError(
      'ONNX_NOT_A_DENOISER',
      `${source} is a model, but not one that takes images and times: its inputs are ${describe(inputs)}, its outputs ` +
        `${describe(outputs)}. A denoiser takes \`sample\` of rank 4 and \`timestep\` of rank 0 or 1.`,
    );
  }
  for (const { name, type } of inputs) {
    if (elements.has(type)) continue;
    throw new OnnxError(
      'ONNX_NOT_A_DENOISER',
      `The input ${name} of ${source} has elements of a type that cannot be given (${type}).`,
    );
  }
  const conditions = others.filter((port) => port !== timestep);
  return { sample, timestep, conditions, output, layout: layout ?? layoutOf(sample, metadata) };
}

function byName(ports: readonly PortInfo[], names: readonly string[]): PortInfo | undefined {
  for (const name of names) {
    const found = ports.find((port) => port.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** As the file says, or by the shape: few numbers are the channels. Nearly all models have them first. */
function layoutOf({ dims }: PortInfo, { layout }: Readonly<Record<string, string>>): ImageLayout {
  if (layout === 'NHWC' || layout === 'NCHW') return layout;
  const [, second, , fourth] = dims;
  if (typeof fourth !== 'number') return 'NCHW';
  return fourth <= 4 && (typeof second !== 'number' || second > fourth) ? 'NHWC' : 'NCHW';
}
