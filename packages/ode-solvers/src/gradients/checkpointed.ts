import * as tf from '@tensorflow/tfjs-core';
import { again, tidy } from '@missing-u/autodiff';
import { invalidArgument } from '@missing-u/errors';
import { drive, type Delivery, type StepWatch } from '../core/drive.ts';
import type { AcceptedStep } from '../core/solve.ts';
import type { Method } from '../core/method.ts';
import type { TracedStep } from '../core/outputs.ts';
import type { Read, System } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import type { Leaves } from '../tensors/space.ts';
import { binomially } from './binomial.ts';
import { offTape, withCaptureReport } from './captures.ts';
import type { Gradient, Plan } from './gradient.ts';
import { Cotangents } from './pull-back.ts';
import { recordSolve } from './record.ts';
import { freeStation, replay, type Station } from './replay.ts';

/** Options of {@link checkpointed}; one of the two. */
export interface CheckpointOptions {
  /** Most states kept; by default about √steps, chosen on the way, as the steps of an adaptive solve are not known before. */
  segments?: number;
  /**
   * Most states kept, at any time: the way back takes the steps between two of them again and again, keeping states where
   * there is room, until it has one step to differentiate.
   */
  snapshots?: number;
}

/**
 * The gradient of `direct()`, for less memory: states are kept on the way forward, and the way back takes the steps between
 * them again. Twice differentiable.
 *
 * With n steps in c `segments`, the peak is that of c states and n / c taped steps, so O(√n), for one more forward solve (T.
 * Chen et al., arXiv 1604.06174). With c `snapshots` it is that of c states and a single taped step, whatever n; the steps are
 * taken again by the binomial schedule, each r times at most where n ≤ (c + r)! / (c! r!) (A. Griewank and A. Walther, "Revolve",
 * ACM TOMS 26, 2000).
 */
export function checkpointed({ segments, snapshots }: CheckpointOptions = {}): Gradient {
  for (const [argument, value] of Object.entries({ segments, snapshots })) {
    if (value === undefined || (Number.isInteger(value) && value >= 1)) continue;
    throw new OdeError('ODE_OPTION', invalidArgument({ argument, value, allowed: 'an integer of 1 or more' }));
  }
  if (segments !== undefined && snapshots !== undefined) {
    throw new OdeError('ODE_OPTION', '`segments` and `snapshots` exclude each other; give one of them.');
  }
  return { name: 'checkpointed', solve: (plan) => solveWithStations(plan, segments ?? snapshots, snapshots) };
}

function* solveWithStations(
  plan: Plan,
  limit: number | undefined,
  snapshots: number | undefined,
): Generator<Read, Delivery<Leaves>, number> {
  const { order, captured } = withCaptureReport(plan);
  const stations = new Stations(limit);
  let delivery: Delivery<Leaves>;
  try {
    delivery = yield* offTape(drive(order, () => stations.begin()));
  } catch (error) {
    stations.dispose();
    throw error;
  }
  const { trace } = delivery;
  recordSolve(plan, delivery, captured(), [stations], ({ y0, parameters, dys, stats, system }) => {
    const { method } = plan.order;
    const cotangents = new Cotangents(system, method, parameters, stats);
    let unseen = dys.length;
    const differentiate = (start: number, end: number, from: Station): void => {
      const steps = trace.slice(start, end);
      const first = unseen - steps.reduce((sum, { thetas }) => sum + thetas.length, 0);
      cotangents.through(steps, from, dys.slice(first, unseen));
      unseen = first;
    };
    const kept = stations.backwards();
    let end = trace.length;
    kept.forEach(([start, station], i) => {
      const from = start === 0 ? { y: y0, carry: [] } : station;
      if (snapshots === undefined) {
        differentiate(start, end, from);
      } else {
        const advance = (state: Station, index: number) => takeAgain(system, method, trace[index]!, state);
        binomially(start, end, from, snapshots - (kept.length - i), advance, differentiate);
      }
      end = start;
    });
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

  /** Watches a solve from its beginning. */
  begin(): StepWatch<Leaves> {
    this.dispose();
    [this.stride, this.count] = [1, 0];
    return (step) => this.pass(step);
  }

  private pass({ y0, carry0 }: AcceptedStep<Leaves>): void {
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
    freeStation(this.kept.get(index)!);
    this.kept.delete(index);
  }
}

/** One step without a tape. */
function takeAgain(system: System<Leaves>, method: Method, step: TracedStep, from: Station): Station {
  return again(() => tidy(() => replay(system, method, [{ ...step, thetas: [] }], from).end));
}
