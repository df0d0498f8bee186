import type { Graph, Step, Value } from '../trace/graph.ts';
import { link, madeBy, onlyReader } from './readers.ts';

const plainConvolutions = new Map([
  ['Conv2D', 'FusedConv2D'],
  ['DepthwiseConv2dNative', 'FusedDepthwiseConv2D'],
  ['Conv2DBackpropInput', 'Conv2DBackpropInput'],
]);
const fusedConvolutions = new Set([...plainConvolutions.keys(), ...plainConvolutions.values()]);

/** Makes a sum with a constant per channel behind a convolution its bias. */
export function fuseBias(graph: Graph): Graph {
  const links = link(graph);
  const gone = new Set<Step>();
  const replacement = new Map<Step, Step>();
  for (const step of graph.steps) {
    if (step.kernel !== 'Add') continue;
    const { a, b } = step.inputs;
    for (const [value, bias] of [
      [a!, b!],
      [b!, a!],
    ] as const) {
      // prettier-ignore
      const convolution = links.makers.get(value);
      if (convolution === undefined || !isPerChannel(bias, value) || !onlyReader(value, graph, links)) continue;
      const kernel = plainConvolutions.get(convolution.kernel);
      if (kernel === undefined || convolution.inputs['bias'] !== undefined) continue;
      gone.add(convolution);
      // It stands where the sum stood, so that the order stays one of reading after making.
      replacement.set(step, { ...convolution, kernel, inputs: { ...convolution.inputs, bias }, outputs: step.outputs });
      break;
    }
  }
  return replaceSteps(graph, gone, replacement);
}

/** Makes zeros around the input of a convolution its padding. */
export function fusePadding(graph: Graph): Graph {
  const links = link(graph);
  const gone = new Set<Step>();
  const replacement = new Map<Step, Step>();
  for (const step of graph.steps) {
    if (!fusedConvolutions.has(step.kernel) || step.attributes['pad'] !== 'valid') continue;
    const pad = madeBy('PadV2', step.inputs['x'], links);
    if (pad === undefined || (pad.attributes['constantValue'] ?? 0) !== 0) continue;
    if (!onlyReader(pad.outputs[0]!, graph, links)) continue;
    const [images, height, width, channels] = pad.attributes['paddings'] as [number, number][];
    if ([...images!, ...channels!].some((count) => count !== 0)) continue;
    gone.add(pad);
    const explicit = [[0, 0], height!, width!, [0, 0]];
    const attributes = { ...step.attributes, pad: explicit, dimRoundingMode: 'floor' };
    replacement.set(step, { ...step, inputs: { ...step.inputs, x: pad.inputs['x']! }, attributes });
  }
  return replaceSteps(graph, gone, replacement);
}

/** [channels] or the same with axes of length 1 in front, which add none to those of the image. */
function isPerChannel(value: Value, image: Value): boolean {
  if (value.kind !== 'constant' || value.shape.length > image.shape.length) return false;
  const channels = image.shape.at(-1);
  return value.shape.at(-1) === channels && value.shape.slice(0, -1).every((dim) => dim === 1);
}

function replaceSteps(graph: Graph, gone: ReadonlySet<Step>, replacement: ReadonlyMap<Step, Step>): Graph {
  return {
    ...graph,
    steps: graph.steps.filter((step) => !gone.has(step)).map((step) => replacement.get(step) ?? step),
  };
}
