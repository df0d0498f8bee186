import { DenseRecord } from './dense.ts';
import { EventWatch, type EventSpec, type Occurrence } from './events.ts';
import { copy, Outputs, type OutputKind, type Row, type TracedStep } from './outputs.ts';
import type { Status } from './result.ts';
import { solve, type AcceptedStep, type Problem } from './solve.ts';
import type { Read, Space } from './space.ts';

/** A problem with what is wanted of its solution. */
export interface Order<Y> extends Problem<Y> {
  ts: readonly number[];
  output: OutputKind;
  events: readonly EventSpec<Y>[];
  dense: boolean;
  /** Whether the end of a solve on a grid is checked for NaN; adaptive solves always are, by their error. */
  checkFinite: boolean;
}

/** What a solve gave, without the state at `ts[0]`. The states are the receiver's to free. */
export interface Delivery<Y> {
  status: Status;
  /** Where it ended. */
  t: number;
  rows: Row<Y>[];
  trace: TracedStep[];
  dense: DenseRecord<Y> | undefined;
}

const noEvents: readonly Occurrence[] = [];

/** Sees each step before it is freed. */
export type StepWatch<Y> = (step: AcceptedStep<Y>) => void;

/**
 * Solves, and collects outputs, events and interpolants on the way.
 *
 * A grid solve reads nothing on its way, so NaN shows at its end. Then it is made again, for the last good state, with a look at every
 * step.
 *
 * @param beginWatch called at the beginning, each time.
 */
export function* drive<Y>(order: Order<Y>, beginWatch?: () => StepWatch<Y>): Generator<Read, Delivery<Y>, number> {
  const { space } = order.system;
  const mark = space.mark?.();
  const delivery = yield* collect(order, beginWatch?.());
  if (!order.checkFinite || order.steps.kind !== 'grid') return delivery;
  try {
    const last = delivery.rows.at(-1);
    if (last === undefined || Number.isFinite(yield space.finiteness(last.y))) return delivery;
  } catch (error) {
    freeDelivery(space, delivery);
    throw error;
  }
  freeDelivery(space, delivery);
  space.rewind?.(mark);
  // Evaluations are counted whenever they are made, steps as they led to what is returned.
  Object.assign(order.stats, { steps: 0, accepted: 0, rejected: 0 });
  return yield* collect({ ...order, checkSteps: true, onStep: undefined }, beginWatch?.());
}

function freeDelivery<Y>(space: Space<Y>, { rows, dense }: Delivery<Y>): void {
  space.free(rows.map(({ y }) => y));
  dense?.dispose();
}

function* collect<Y>(order: Order<Y>, watchStep: StepWatch<Y> | undefined): Generator<Read, Delivery<Y>, number> {
  const { space } = order.system;
  const outputs = new Outputs(space, order.output, order.ts, space.owned);
  const events = order.events.length > 0 ? new EventWatch(space, order.events) : undefined;
  const dense = order.dense ? new DenseRecord(space, order.t0, copy(space, order.y0)) : undefined;
  const held = dense === undefined ? {} : { y0: dense.y0, retained: dense.retained };
  try {
    const take = (step: AcceptedStep<Y>, found: readonly Occurrence[]): boolean => {
      const stop = found.find(({ index }) => order.events[index]!.terminal !== false);
      outputs.take(step, found, stop?.theta);
      dense?.take(step, stop?.theta ?? 1);
      watchStep?.(step);
      return stop !== undefined;
    };
    const outcome = yield* solve({ ...order, ...held }, (step) =>
      events === undefined ? take(step, noEvents) : watched(events, step, take),
    );
    const { status, y } = outcome;
    const t = status === 'event' ? outputs.rows.at(-1)!.t : outcome.t;
    if (status !== 'success' && status !== 'event') outputs.add(t, y);
    if (y !== order.y0 && dense?.retained.has(y) !== true) space.free([y]);
    return { status, t, rows: outputs.rows, trace: outputs.trace, dense };
  } catch (error) {
    outputs.free();
    dense?.dispose();
    throw error;
  }
}

function* watched<Y>(
  events: EventWatch<Y>,
  step: AcceptedStep<Y>,
  take: (step: AcceptedStep<Y>, found: readonly Occurrence[]) => boolean,
): Generator<Read, boolean, number> {
  return take(step, yield* events.within(step));
}
