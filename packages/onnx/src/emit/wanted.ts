import { elementwise } from '../kernels/elementwise.ts';
import { imageKernels } from '../kernels/images.ts';
import { layoutKeepers } from '../kernels/shapes.ts';
import type { Graph, Value } from '../trace/graph.ts';
import { channelsFirst, type Layout } from './layout.ts';

/** Which images end in an operator that wants channels first, directly or through operators that work number by number. */
export function wantedLayouts({ steps, outputs }: Graph): (value: Value) => Layout | undefined {
  const first = new Set<Value>(outputs);
  for (const { kernel, inputs, outputs: made } of [...steps].reverse()) {
    const passes =
      (Object.hasOwn(elementwise, kernel) || layoutKeepers.has(kernel)) && made.some((value) => first.has(value));
    if (!passes && !imageKernels.has(kernel)) continue;
    for (const value of Object.values(inputs)) if (value.shape.length === 4) first.add(value);
  }
  return (value) => (first.has(value) && value.shape.length === 4 ? channelsFirst : undefined);
}
