import * as tf from '@tensorflow/tfjs-core';
import { invalidArgument } from '@missing-u/errors';
import { drive, type Delivery } from '../core/drive.ts';
import type { AcceptedStep } from '../core/solve.ts';
import type { Read } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import type { Leaves } from '../tensors/space.ts';
import { offTape, withCaptureReport } from './captures.ts';
import type { Gradient, Plan } from './gradient.ts';
import { Cotangents } from './pull-back.ts';
import { recordSolve } from './record.ts';
import type { Station } from './replay.ts';

/** Options of {@link checkpointed}. */
export interface CheckpointOptions {
  /** Most states kept; by default about √steps, chosen on the way, as the steps of an adaptive solve are not known before. */
  segments?: number;
}

/**
 * The gradient of `direct()`, for less memory: states are kept at the ends of segments, and the backward pass takes the
 * steps of one segment again at a time (T. Chen et al., arXiv 1604.06174). With n steps and c states kept, the peak is that
 * of c states and n / c taped steps, so O(√n); it costs one more forward solve. Twice differentiable.
 */
export function checkpointed({ segments }: CheckpointOptions = {}): Gradient {
  if (segments !== undefined && !(Number.isInteger(segments) && segments >= 1)) {
    const allowed = 'an integer of 1 or more';
    throw new OdeError('ODE_OPTION', invalidArgument({ argument: 'segments', value: segments, allowed }));
  }
  return { name: 'checkpointed', solve: (plan) => solveWithStations(plan, segments) };
}

function* solveWithStations(plan: Plan, segments: number | undefined): Generator<Read, Delivery<Leaves>, number> {
  const { order, captured } = withCaptureReport(plan);
  const stations = new Stations(segments);
  let delivery: Delivery<Leaves>;
  try {
    delivery = yield* offTape(drive(order, (step) => stations.pass(step)));
  } catch (error) {
    stations.dispose();
    throw error;
  }
  const { trace } = delivery;
  recordSolve(plan, delivery, captured(), [stations], ({ y0, parameters, dys, stats, system }) => {
    const cotangents = new Cotangents(system, plan.order.method, parameters, stats);
    let [end, row] = [trace.length, dys.length];
    for (const [start, station] of stations.backwards()) {
      const steps = trace.slice(start, end);
      const first = row - steps.reduce((sum, { thetas }) => sum + thetas.length, 0);
      cotangents.through(steps, start === 0 ? { y: y0, carry: [] } : station, dys.slice(first, row));
      [end, row] = [start, first];
    }
    return cotangents.finish(y0);
  });
  return delivery;
}

/** States kept on the way: at every stride-th step, the stride growing so that their number stays below the limit. */
class Stations {
  private readonly kept = new Map<number, Station>();
  private stride = 1;
  private count = 0;

  constructor(private readonly segments: number | undefined) {}

  pass({ y0, carry0 }: AcceptedStep<Leaves>): void {
    const index = this.count++;
    if (index % this.stride !== 0) return;
    const keep = (state: Leaves) => state.map((leaf) => tf.keep(tf.clone(leaf)));
    // The first is y0, which is held anyway.
    this.kept.set(index, index === 0 ? { y: [], carry: [] } : { y: keep(y0), carry: carry0.map(keep) });
    const limit = this.segments ?? 2 * this.stride;
    while (this.kept.size > limit) this.thin();
  }

  /** Index of the step that a state stood before, and the state; the last first. */
  backwards(): [number, Station][] {
    return [...this.kept].reverse();
  }

  dispose(): void {
    for (const index of [...this.kept.keys()]) this.drop(index);
  }

  private thin(): void {
    this.stride *= 2;
    for (const index of [...this.kept.keys()]) if (index % this.stride !== 0) this.drop(index);
  }

  private drop(index: number): void {
    const { y, carry } = this.kept.get(index)!;
    tf.dispose([...y, ...carry.flat()]);
    this.kept.delete(index);
  }
}
