import type { Node, OperationNode } from './trace.ts';

/**
 * What has to be finished before operations that compute something again, by operation.
 *
 * TensorFlow runs whatever has its operands, and merges operations that are alike. What is computed again on the way back has
 * its operands from the beginning: it would run beside the first computation, or be merged with it, and be held until it is
 * needed. So each run of such operations waits for what was recorded right before it, and for what comes from there to the first
 * operation that reads it, which is the incoming gradient.
 */
export function waits(nodes: readonly Node[], order: readonly number[]): Map<number, number[]> {
  const control = new Map<number, number[]>();
  const operation = (place: number) => nodes[order[place]!] as OperationNode | undefined;
  const places = new Map(order.map((index, place) => [index, place]));
  for (let begin = 0; begin < order.length; begin++) {
    if (operation(begin)!.again !== true) continue;
    let end = begin;
    while (operation(end)?.again === true) end++;
    const within = (index: number) => (places.get(index) ?? -1) >= begin;
    const gradient = (operation(end)?.inputs ?? [])
      .map(({ node }) => node)
      .filter((index) => places.has(index) && !within(index))
      .sort((a, b) => places.get(b)! - places.get(a)!)[0];
    const before = [
      ...new Set([...(begin > 0 ? [order[begin - 1]!] : []), ...(gradient === undefined ? [] : [gradient])]),
    ];
    for (let place = begin; before.length > 0 && place < end; place++) {
      if (!operation(place)!.inputs.some(({ node }) => within(node))) control.set(order[place]!, before);
    }
    begin = end;
  }
  return control;
}
