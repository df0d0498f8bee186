import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';
import type { CompiledGraph } from './graph.ts';
import { signatureOf, type Trace } from './trace.ts';

/**
 * Runs a graph on the inputs that the recorded call had, and measures how far its results are from that call's.
 *
 * Every result is measured against its own largest element, or a thousandth of the largest element of all results, where
 * that is more: gradients that are zero but for rounding may differ. Variables are measured against the largest of them:
 * an optimiser that divides by the size of a gradient (Adam) makes a full step out of such rounding.
 *
 * @returns the largest relative difference
 * @throws EngineError `ENGINE_COMPILE_MISMATCH`
 */
export function verify(
  graph: CompiledGraph,
  inputs: ReadonlyMap<number, tf.Tensor>,
  eager: readonly tf.Tensor[],
  tolerance: number,
): number {
  const { trace } = graph;
  const { outputs, assigned } = graph.evaluate(inputs);
  try {
    const results = differences(outputs, eager);
    const states = differences(assigned, trace.assignments.map(({ variable }) => variable)); // prettier-ignore
    const floor = 1e-3 * Math.max(0, ...results.map(({ largest }) => largest));
    const state = Math.max(0, ...states.map(({ largest }) => largest));
    const errors = [
      ...results.map(({ difference, largest }) => relative(difference, Math.max(largest, floor))),
      ...states.map(({ difference }) => relative(difference, state)),
    ];
    const worst = errors.reduce((index, error, i) => (error > errors[index]! ? i : index), 0);
    const error = errors[worst] ?? 0;
    if (error > tolerance) throw mismatch(trace, worst, error, tolerance);
    return error;
  } finally {
    for (const tensor of [...outputs, ...assigned]) tensor.dispose();
  }
}

function relative(difference: number, scale: number): number {
  return difference === 0 ? 0 : difference / scale;
}

/** The largest difference of each pair of tensors, infinite where only one is finite, and the largest element. */
function differences(graph: readonly tf.Tensor[], eager: readonly tf.Tensor[]) {
  return graph.map((tensor, i) => {
    const [a, b] = [tensor.dataSync(), eager[i]!.dataSync()];
    let [difference, largest] = [0, 0];
    for (let j = 0; j < a.length; j++) {
      const [x, y] = [a[j]!, b[j]!];
      if (Object.is(x, y) || x === y) continue;
      const distance = Math.abs(x - y);
      difference = Math.max(difference, Number.isNaN(distance) ? Infinity : distance);
    }
    for (const y of b) if (Math.abs(y) > largest) largest = Math.abs(y);
    return { difference, largest };
  });
}

function mismatch(trace: Trace, index: number, error: number, tolerance: number): EngineError {
  const assignment = trace.assignments[index - trace.outputs.length];
  const ref = assignment?.value ?? trace.outputs[index]!;
  const what = assignment === undefined ? `result ${index}` : `the variable '${assignment.variable.name}'`;
  const node = trace.nodes[ref.node]!;
  return new EngineError(
    'ENGINE_COMPILE_MISMATCH',
    `The compiled function differs from the function itself: ${what}, [${signatureOf(trace.nodes, ref).shape}], made at ` +
      `${node.line}, by ${error.toExponential(1)} of its largest element, more than the tolerance of ${tolerance}. Raise ` +
      '`tolerance` where rounding explains it; otherwise leave the function uncompiled, and report it.',
  );
}
