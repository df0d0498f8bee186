import type { Graph, Step, Value } from '../trace/graph.ts';

/** Which steps read a value, and which made it. */
export interface Links {
  readers: ReadonlyMap<Value, readonly Step[]>;
  makers: ReadonlyMap<Value, Step>;
}

export function link({ steps }: Graph): Links {
  const readers = new Map<Value, Step[]>();
  const makers = new Map<Value, Step>();
  for (const step of steps) {
    for (const value of Object.values(step.inputs)) readers.set(value, [...(readers.get(value) ?? []), step]);
    for (const value of step.outputs) makers.set(value, step);
  }
  return { readers, makers };
}

/** The step that made a value, if it is of this kernel. */
export function madeBy(kernel: string, value: Value | undefined, { makers }: Links): Step | undefined {
  const step = value === undefined ? undefined : makers.get(value);
  return step?.kernel === kernel ? step : undefined;
}

/** Whether a step is the only reader of a value, which is not a result of the function either. */
export function onlyReader(value: Value, { outputs }: Graph, { readers }: Links): boolean {
  return readers.get(value)?.length === 1 && !outputs.includes(value);
}
