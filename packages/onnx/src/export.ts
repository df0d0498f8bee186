import type * as tfjs from '@tensorflow/tfjs-core';
import { emit } from './emit/emit.ts';
import { OnnxError } from './errors.ts';
import { kernels } from './kernels/index.ts';
import { halveWeights } from './model/half.ts';
import type { Model } from './model/model.ts';
import { describe } from './metadata.ts';
import { portNames, resolveOptions, type ExportOptions, type Predicts, type ResolvedOptions } from './options.ts';
import { optimize } from './passes/index.ts';
import type { Graph } from './trace/graph.ts';
import { loadTensorFlow } from './tensorflow.ts';
import { trace, type TensorFlow, type Trace, type TracedInput } from './trace/tracer.ts';
import { unify } from './trace/unify.ts';

export { writeModel } from './model/write.ts';

/** Version of the operators: every runtime of the last years has it. */
const opset = 17;

/** Numbers of images of the two traces that tell which lengths grow with the batch. */
const dynamicBatches = [5, 7] as const;

/** Traces a denoiser and writes it down as a model; `extraNames` are options of the caller. */
export async function exportModel(
  denoiser: Predicts,
  options: ExportOptions,
  extraNames: readonly string[] = [],
): Promise<Model> {
  const resolved = resolveOptions(denoiser, options, extraNames);
  const tf = await loadTensorFlow();
  await tf.ready();
  const graph = optimize(await traceDenoiser(tf, denoiser, resolved));
  checkOutput(graph);
  const { inputs, outputs, nodes, initializers } = emit(graph, resolved);
  const model: Model = {
    name: 'denoiser',
    opset,
    ...describe(denoiser, resolved, options),
    inputs,
    outputs,
    nodes,
    initializers,
  };
  return resolved.weights === 'float16' ? halveWeights(model) : model;
}

/** Two traces of a call, as one graph. */
async function traceDenoiser(tf: TensorFlow, denoiser: Predicts, options: ResolvedOptions): Promise<Graph> {
  const batches: readonly [number, number] =
    options.batch === 'dynamic' ? dynamicBatches : [options.batch, options.batch];
  const traces: Trace[] = [];
  try {
    for (const batch of batches) traces.push(traceCall(tf, denoiser, options, batch));
    return await unify(traces[0]!, traces[1]!, batches);
  } finally {
    for (const { constants } of traces) tf.dispose(constants);
  }
}

function traceCall(tf: TensorFlow, denoiser: Predicts, options: ResolvedOptions, batch: number): Trace {
  const { height, width, channels, conditions } = options;
  const inputs: TracedInput[] = [
    { name: portNames.sample, shape: [batch, height, width, channels], dtype: 'float32' },
    { name: portNames.timestep, shape: [batch], dtype: 'float32' },
    ...conditions.map(({ name, shape, dtype }) => ({ name, shape: [batch, ...shape], dtype })),
  ];
  return trace(tf, kernels, denoiser, inputs, ([sample, timesteps, ...given]) => {
    const predict = denoiser.predict.bind(denoiser) as (...args: unknown[]) => unknown;
    const condition = Object.fromEntries(conditions.map(({ key }, i): [string, tfjs.Tensor] => [key, given[i]!]));
    return conditions.length === 0 ? predict(sample, timesteps) : predict(sample, timesteps, condition);
  });
}

function checkOutput({ outputs }: Graph): void {
  const [result] = outputs;
  if (result?.shape.length === 4 && result.dtype === 'float32') return;
  throw new OnnxError(
    'ONNX_NOT_A_DENOISER',
    `\`predict\` returned a tensor of rank ${result?.shape.length} and type ${result?.dtype}, but has to return images, ` +
      '[N, H, W, C] of float32.',
  );
}
