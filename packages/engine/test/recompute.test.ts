import { describe, expect, it } from 'vitest';
import { Lifetimes } from '../src/compile/lifetimes.ts';
import { neededOperations } from '../src/compile/program.ts';
import { schedule, type Schedule } from '../src/compile/recompute.ts';
import { SourceLine } from '../src/compile/source-line.ts';
import type { Node, OperationNode, Ref } from '../src/compile/trace.ts';
import { waits } from '../src/compile/waits.ts';

const line = new SourceLine();
const bytes = 4000;

function operation(name: string, ...inputs: number[]): OperationNode {
  const refs = inputs.map((node) => ({ node, output: 0 }));
  return { kind: 'operation', name, attributes: [], inputs: refs, outputs: [{ shape: [bytes / 4], dtype: 1 }], line };
}

/** y = exp(exp(...exp(x))) of some layers, and its gradient: 1000 numbers each, of which the way back reads all. */
function layers(count: number): { nodes: Node[]; outputs: Ref[] } {
  const nodes: Node[] = [{ kind: 'input', source: { kind: 'argument', index: 0 }, shape: [bytes / 4], dtype: 1, line }];
  for (let layer = 0; layer < count; layer++) nodes.push(operation('Exp', layer));
  nodes.push(operation('OnesLike', count));
  for (let layer = count; layer > 0; layer--) nodes.push(operation('Mul', nodes.length - 1, layer));
  return { nodes, outputs: [{ node: nodes.length - 1, output: 0 }] };
}

/** What a schedule computes for x, by operations on one number; throws where an operand is not there yet. */
function evaluate({ nodes, order }: Schedule, outputs: readonly Ref[], x: number): number[] {
  const values = new Map<number, number>([[0, x]]);
  const functions: Record<string, (a: number, b: number) => number> = {
    Exp: (a) => Math.sin(a),
    OnesLike: () => 1,
    Mul: (a, b) => a * b + 0.1,
  };
  for (const index of order) {
    const { name, inputs } = nodes[index] as OperationNode;
    const [a, b] = inputs.map(({ node }) => {
      if (!values.has(node)) throw new Error(`node ${node} is not there yet`);
      return values.get(node)!;
    });
    values.set(index, functions[name]!(a!, b!));
  }
  return outputs.map(({ node }) => values.get(node)!);
}

describe('a memory budget', () => {
  it('is met by computing again as little as it takes, with the same result', () => {
    const { nodes, outputs } = layers(40);
    const free = schedule(nodes, outputs, Infinity);
    expect(free.order).toEqual(neededOperations(nodes, outputs));
    expect(free.lifetimes.peak.bytes).toBe(43 * bytes);
    let operations = free.order.length;
    for (const kept of [41, 36, 30, 24, 18]) {
      const planned = schedule(nodes, outputs, kept * bytes);
      expect(planned.lifetimes.peak.bytes).toBeLessThanOrEqual(kept * bytes);
      expect(planned.order.length).toBeGreaterThan(operations);
      operations = planned.order.length;
      expect(new Set(planned.order).size).toBe(operations);
      expect(evaluate(planned, outputs, 0.3)).toEqual(evaluate(free, outputs, 0.3));
    }
    expect(operations).toBeLessThan(3 * free.order.length);
  });

  it('gets to about twice the root of the layers, and says how far it got', () => {
    const { nodes, outputs } = layers(100);
    const least = schedule(nodes, outputs, 5 * bytes);
    expect(least.lifetimes.peak.bytes).toBeGreaterThan(5 * bytes);
    expect(least.lifetimes.peak.bytes).toBeLessThanOrEqual(30 * bytes);
    expect(evaluate(least, outputs, 0.3)).toEqual(evaluate(schedule(nodes, outputs, Infinity), outputs, 0.3));
  });

  it('is not searched for below what an operation alone needs: what it reads and makes, beside the input', () => {
    const { nodes, outputs } = layers(100);
    const planned = schedule(nodes, outputs, 4 * bytes - 1);
    expect(planned.leastBytes).toBe(4 * bytes);
    expect(planned.order).toEqual(neededOperations(nodes, outputs));
    expect(schedule(nodes, outputs, 4 * bytes).order.length).toBeGreaterThan(planned.order.length);
  });

  it('makes what is computed again wait for what was computed before, and for the gradient that it is needed for', () => {
    const { nodes, outputs } = layers(6);
    expect(waits(nodes, schedule(nodes, outputs, Infinity).order).size).toBe(0);
    const planned = schedule(nodes, outputs, 7 * bytes);
    const control = waits(planned.nodes, planned.order);
    const place = (index: number) => planned.order.indexOf(index);
    const again = planned.order.filter((index) => (planned.nodes[index] as OperationNode).again === true);
    expect(again.length).toBeGreaterThan(0);
    for (const index of again) {
      const { inputs } = planned.nodes[index] as OperationNode;
      const chained = inputs.some(({ node }) => again.includes(node));
      expect(chained || control.has(index)).toBe(true);
    }
    for (const [index, before] of control) {
      for (const one of before) expect(place(one)).toBeLessThan(place(index));
      // OnesLike stands at 7; what comes after it is the way back.
      expect(Math.max(...before.map(place))).toBeGreaterThanOrEqual(place(7));
    }
  });

  it('counts views as the memory that they show, and inputs all along', () => {
    const { nodes } = layers(1);
    nodes.push(operation('Reshape', 1), operation('Neg', 4));
    const outputs = [{ node: 5, output: 0 }];
    const { held, fixedBytes } = new Lifetimes(nodes, neededOperations(nodes, outputs), outputs);
    expect(fixedBytes).toBe(bytes);
    expect([...held]).toEqual([2 * bytes, 2 * bytes, 3 * bytes]);
  });
});
