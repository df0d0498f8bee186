import { cost } from './cost.ts';
import { Lifetimes, type Buffer } from './lifetimes.ts';
import { neededOperations } from './program.ts';
import { refKey, type Node, type OperationNode, type Ref } from './trace.ts';

/** Nodes, an order in which to run those that are operations, and what is held meanwhile. */
export interface Schedule {
  nodes: readonly Node[];
  order: readonly number[];
  lifetimes: Lifetimes;
  /** Most bytes held at a time; where the budget was missed, the least that was found, or that an operation alone needs. */
  leastBytes: number;
}

/**
 * The order in which a program was recorded, with results computed again instead of kept until no more than `budget` bytes are
 * held at a time or nothing is left to compute again. The nodes keep their places; operations that are added stand behind them.
 *
 * Where most is held, the result is given up that frees the most bytes for the time that it takes to compute it again, from
 * what is held anyway and right before it is next read. So normalised activations are made again from the convolution before
 * them first, and whole blocks from their beginnings only where the budget asks for it. (T. Chen et al., "Training deep nets with
 * sublinear memory cost", arXiv 1604.06174, choose by hand; XLA's rematerialisation is greedy in the same way.)
 */
export function schedule(nodes: readonly Node[], outputs: readonly Ref[], budget: number): Schedule {
  const recorded = new Planner(nodes, outputs, 0);
  if (recorded.leastBytes <= budget) return recorded;
  const floor = recorded.lifetimes.floorBytes();
  // Such a budget, given in megabytes for instance, would be searched for in vain, in minutes for a large graph.
  if (floor > budget) return Object.assign(recorded, { leastBytes: floor });
  let least: Planner | undefined;
  // Being free to compute a result again more often can lead astray, too.
  for (const repeats of [1, 2, 3]) {
    const planner = new Planner(nodes, outputs, repeats);
    while (planner.lifetimes.peak.bytes > budget && planner.giveUpOne());
    if (least === undefined || planner.leastBytes < least.leastBytes) least = planner;
    if (least.leastBytes <= budget) break;
  }
  return least!;
}

/** One operation on the way to a result that was given up: a new one, or one that computes the same later, moved. */
interface Step {
  origin: number;
  later: number | undefined;
}

/** A result that may be given up where most is held. */
interface Choice {
  buffer: Buffer;
  /** Place of the operation that next reads it. */
  before: number;
  /** What is read of it from there on: itself, or views of it. */
  wanted: Ref[];
  steps: Step[];
}

class Planner implements Schedule {
  readonly nodes: Node[];
  order: number[];
  readonly lifetimes: Lifetimes;
  /** The lowest peak on the way. */
  leastBytes: number;
  /** How often an operation may be run again. */
  readonly #limit: number;
  /** What an added operation computes again. */
  readonly #origins = new Map<number, number>();
  /** The operations that compute an operation's results again. */
  readonly #repeats = new Map<number, number[]>();
  readonly #costs = new Map<number, number>();
  /** What giving up a result was found to be worth, by the number of its buffer. */
  readonly #gains = new Map<number, number>();

  constructor(nodes: readonly Node[], outputs: readonly Ref[], limit: number) {
    this.#limit = limit;
    this.nodes = [...nodes];
    this.order = neededOperations(nodes, outputs);
    this.lifetimes = new Lifetimes(this.nodes, this.order, outputs);
    this.leastBytes = this.lifetimes.peak.bytes;
  }

  /** Gives up the result that is best given up; false where there is none. */
  giveUpOne(): boolean {
    const peak = this.lifetimes.peak.place;
    const gainOf = ({ id }: Buffer) => this.#gains.get(id) ?? Infinity;
    const open = this.lifetimes.heldAt(peak).filter(({ bytes, born }) => bytes > 0 && born < peak);
    open.sort((a, b) => gainOf(b) - gainOf(a));
    let best: Choice | undefined;
    let highest = 0;
    for (const buffer of open) {
      // Gains hardly ever rise, so those from earlier turns tell when to stop looking.
      if (best !== undefined && highest >= gainOf(buffer)) break;
      const choice = this.#choice(buffer, peak);
      const gain = choice === undefined ? 0 : this.#gain(choice);
      this.#gains.set(buffer.id, gain);
      if (gain > highest) [best, highest] = [choice, gain];
    }
    if (best === undefined) return false;
    this.#apply(best, peak);
    this.lifetimes.update(this.order);
    this.leastBytes = Math.min(this.leastBytes, this.lifetimes.peak.bytes);
    return true;
  }

  /** Bytes by the seconds that it takes to do without them; 0 where that would run an operation too often. */
  #gain({ buffer, steps }: Choice): number {
    const fresh = steps.filter(({ later }) => later === undefined).map(({ origin }) => origin);
    if (fresh.some((origin) => (this.#repeats.get(origin)?.length ?? 0) >= this.#limit)) return 0;
    return buffer.bytes / fresh.reduce((sum, origin) => sum + this.#cost(origin), 0);
  }

  #choice(buffer: Buffer, peak: number): Choice | undefined {
    const later = Array.from(buffer.uses).filter((use) => use >= peak);
    const before = later[0];
    // What is read at the peak, or returned, has to be there.
    if (buffer.returned || before === undefined || before === peak) return undefined;
    const readers = later.map((use) => this.#operation(this.order[use]!));
    const read = readers.flatMap(({ inputs }) => inputs.filter((ref) => this.#liesIn(ref, buffer, peak)));
    const wanted = [...new Map(read.map((ref) => [refKey(ref), ref])).values()];
    return { buffer, before, wanted, steps: this.#stepsTo(wanted, { buffer, before }, peak) };
  }

  /** Whether a reference, made up to the peak, is the buffer or a view of it. */
  #liesIn(ref: Ref, buffer: Buffer, peak: number): boolean {
    return this.lifetimes.bufferOf(ref) === buffer.id && this.lifetimes.placeOf(ref.node)! <= peak;
  }

  /** What has to be run before a place to have references there, in order, holding nothing more at the peak. */
  #stepsTo(wanted: readonly Ref[], { buffer, before }: Omit<Choice, 'wanted' | 'steps'>, peak: number): Step[] {
    const steps: Step[] = [];
    const seen = new Set<number>();
    const visit = (ref: Ref): void => {
      if (this.#isThere(ref, buffer, before, peak)) return;
      const origin = this.#origin(ref.node);
      if (seen.has(origin)) return;
      seen.add(origin);
      const later = this.#repeatAfter(origin, peak);
      if (later !== undefined && this.lifetimes.placeOf(later)! < before) return;
      this.#operation(later ?? origin).inputs.forEach(visit);
      steps.push({ origin, later });
    };
    wanted.forEach(visit);
    return steps;
  }

  /** Whether a reference is there before a place, and at the peak only if it is held there anyway. */
  #isThere(ref: Ref, given: Buffer, before: number, peak: number): boolean {
    const place = this.lifetimes.placeOf(ref.node);
    if (place === undefined) return true;
    if (place > peak) return place < before;
    const buffer = this.lifetimes.bufferOf(ref);
    return buffer === undefined || (buffer !== given.id && this.lifetimes.isHeld(buffer, peak));
  }

  #apply({ buffer, before, steps }: Choice, peak: number): void {
    const fresh = new Map<number, number>();
    const current = (ref: Ref): Ref => {
      if (this.#isThere(ref, buffer, before, peak)) return ref;
      const origin = this.#origin(ref.node);
      return { node: fresh.get(origin) ?? this.#repeatAfter(origin, peak)!, output: ref.output };
    };
    for (const { origin, later } of steps) {
      const node = this.#operation(later ?? origin);
      const again: OperationNode = { ...node, inputs: node.inputs.map(current), again: true };
      if (later !== undefined) this.nodes[later] = again;
      const index = later ?? this.nodes.push(again) - 1;
      fresh.set(origin, index);
      if (later !== undefined) continue;
      this.#origins.set(index, origin);
      this.#repeats.set(origin, [...(this.#repeats.get(origin) ?? []), index]);
    }
    const inserted = [...fresh.values()];
    const moved = new Set(inserted);
    for (const use of Array.from(buffer.uses)) {
      const reader = this.order[use]!;
      if (use < before || moved.has(reader)) continue;
      const node = this.#operation(reader);
      const inputs = node.inputs.map((ref) => (this.#liesIn(ref, buffer, peak) ? current(ref) : ref));
      this.nodes[reader] = { ...node, inputs };
    }
    const [head, tail] = [this.order.slice(0, before), this.order.slice(before)];
    this.order = [...head, ...inserted, ...tail.filter((index) => !moved.has(index))];
  }

  /** The first operation after the peak that computes an operation's results again. */
  #repeatAfter(origin: number, peak: number): number | undefined {
    const placeOf = (index: number) => this.lifetimes.placeOf(index) ?? -1;
    const after = (this.#repeats.get(origin) ?? []).filter((index) => placeOf(index) > peak);
    return after.length === 0 ? undefined : after.reduce((a, b) => (placeOf(b) < placeOf(a) ? b : a));
  }

  #origin(index: number): number {
    return this.#origins.get(index) ?? index;
  }

  #operation(index: number): OperationNode {
    return this.nodes[index] as OperationNode;
  }

  #cost(index: number): number {
    let found = this.#costs.get(index);
    if (found === undefined) this.#costs.set(index, (found = cost(this.nodes, this.#operation(index))));
    return found;
  }
}
