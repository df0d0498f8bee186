import * as tf from '@tensorflow/tfjs-core';
import { again, tidy } from '@missing-u/autodiff';
import { drive, type Delivery, type StepWatch } from '../core/drive.ts';
import type { AcceptedStep } from '../core/solve.ts';
import type { Read } from '../core/space.ts';
import { checkCoupling, coupled } from '../methods/coupled.ts';
import type { Leaves } from '../tensors/space.ts';
import { offTape, withCaptureReport } from './captures.ts';
import type { Gradient, Plan } from './gradient.ts';
import { Cotangents } from './pull-back.ts';
import { recordSolve } from './record.ts';
import { freeStation, type Station } from './replay.ts';

/** Options of {@link reversible}. */
export interface ReversibleOptions {
  /** λ of the coupled method, in (0, 1]; 0.999 by default. See `coupled`. */
  coupling?: number;
}

/**
 * The exact gradient of the discrete solution in a memory that does not grow with the steps: the backward pass undoes the
 * steps, up to rounding, and differentiates one at a time. For that the method is made reversible, with `coupled`, unless
 * it is (`leapfrog`); also where no gradient is taken, so the numbers are the same.
 */
export function reversible({ coupling = 0.999 }: ReversibleOptions = {}): Gradient {
  checkCoupling(coupling);
  return {
    name: 'reversible',
    adapt: (method) => (method.reverse === undefined ? coupled(method, coupling) : method),
    solve: solveReversibly,
  };
}

function* solveReversibly(plan: Plan): Generator<Read, Delivery<Leaves>, number> {
  const { order, captured } = withCaptureReport(plan);
  const last = new LastStation();
  let delivery: Delivery<Leaves>;
  try {
    delivery = yield* offTape(drive(order, () => last.begin()));
  } catch (error) {
    last.dispose();
    throw error;
  }
  const { trace } = delivery;
  const { method } = plan.order;
  recordSolve(plan, delivery, captured(), [last], ({ y0, parameters, dys, stats, system }) => {
    const cotangents = new Cotangents(system, method, parameters, stats);
    let after = copyOf(last.station);
    let row = dys.length;
    for (let i = trace.length - 1; i >= 0; i--) {
      const step = trace[i]!;
      const start = i === 0 ? { y: y0, carry: [] } : last.beforeRestart.get(i);
      const before = start
        ? copyOf(start)
        : again(() => tidy(() => method.reverse!(system, after.y, after.carry, step.span)));
      const first = row - step.thetas.length;
      cotangents.through([step], before, dys.slice(first, row));
      freeStation(after);
      after = before;
      row = first;
    }
    freeStation(after);
    return cotangents.finish(y0);
  });
  return delivery;
}

/** Where the solve has come to, and where it was before the method was started afresh, which cannot be undone. */
class LastStation {
  station: Station = { y: [], carry: [] };
  /** By the index of the step that was begun afresh. */
  readonly beforeRestart = new Map<number, Station>();
  private count = 0;

  /** Watches a solve from its beginning. */
  begin(): StepWatch<Leaves> {
    this.dispose();
    this.count = 0;
    return (step) => this.pass(step);
  }

  private pass({ result, restart }: AcceptedStep<Leaves>): void {
    if (restart !== undefined && this.count > 0) this.beforeRestart.set(this.count, this.station);
    else freeStation(this.station);
    this.count++;
    const keep = (state: Leaves) => state.map((leaf) => tf.keep(tf.clone(leaf)));
    this.station = { y: keep(result.y), carry: result.carry.map(keep) };
  }

  dispose(): void {
    for (const station of [this.station, ...this.beforeRestart.values()]) freeStation(station);
    this.station = { y: [], carry: [] };
    this.beforeRestart.clear();
  }
}

function copyOf({ y, carry }: Station): Station {
  const copy = (state: Leaves) => state.map((leaf) => tf.clone(leaf));
  return { y: copy(y), carry: carry.map(copy) };
}
