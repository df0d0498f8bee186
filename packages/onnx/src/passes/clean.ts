import { sameDims } from '../trace/dims.ts';
import type { Graph, Step, Value } from '../trace/graph.ts';

/** Leaves out what computes the same again: the same kernel of the same tensors with the same attributes. */
export function mergeCommon(graph: Graph): Graph {
  const numbers = new Map<Value, number>();
  const numberOf = (value: Value) => {
    const known = numbers.get(value) ?? numbers.size;
    numbers.set(value, known);
    return known;
  };
  const seen = new Map<string, Step>();
  const replaced = new Map<Value, Value>();
  const steps: Step[] = [];
  for (const step of graph.steps) {
    const inputs = replaceAll(step.inputs, replaced);
    const read = Object.entries(inputs).map(([key, value]) => `${key}:${numberOf(value)}`);
    const key = `${step.kernel} ${read.join()} ${JSON.stringify(step.attributes)}`;
    const same = seen.get(key);
    if (same === undefined) {
      const kept = { ...step, inputs };
      seen.set(key, kept);
      steps.push(kept);
    } else {
      step.outputs.forEach((value, i) => replaced.set(value, same.outputs[i]!));
    }
  }
  return { ...graph, steps, outputs: graph.outputs.map((value) => replaced.get(value) ?? value) };
}

/** Leaves out what nothing depends on. */
export function dropDead(graph: Graph): Graph {
  const needed = new Set<Value>(graph.outputs);
  const steps: Step[] = [];
  for (const step of [...graph.steps].reverse()) {
    if (!step.outputs.some((value) => needed.has(value))) continue;
    steps.push(step);
    for (const value of Object.values(step.inputs)) needed.add(value);
  }
  return { ...graph, steps: steps.reverse() };
}

/** Leaves out kernels that hand their input on, and all but the last of several reshapes. */
export function dropIdentities(graph: Graph): Graph {
  const replaced = new Map<Value, Value>();
  const reshaped = new Map<Value, Value>();
  const steps = graph.steps.flatMap((step): Step[] => {
    const inputs = replaceAll(step.inputs, replaced);
    const [result] = step.outputs as [Value];
    const isReshape = step.kernel === 'Reshape';
    const x = isReshape ? (reshaped.get(inputs['x']!) ?? inputs['x']!) : inputs['x'];
    const idle =
      step.kernel === 'Identity' ||
      (step.kernel === 'Cast' && x!.dtype === result.dtype) ||
      (isReshape && sameDims(x!.shape, result.shape));
    if (!idle) {
      if (isReshape) reshaped.set(result, x!);
      return [isReshape ? { ...step, inputs: { x: x! } } : { ...step, inputs }];
    }
    replaced.set(result, x!);
    return [];
  });
  return { ...graph, steps, outputs: graph.outputs.map((value) => replaced.get(value) ?? value) };
}

function replaceAll(inputs: Step['inputs'], replaced: ReadonlyMap<Value, Value>): Record<string, Value> {
  return Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, replaced.get(value) ?? value]));
}
