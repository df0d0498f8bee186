import * as tf from '@tensorflow/tfjs-core';
import { isTensor, tidy, treeLeaves, treeLeavesLike, treeLike, type TensorTree } from '@missing-u/autodiff';
import type { SolverStats, Status } from '../core/result.ts';
import type { Read } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import type { Field } from './field.ts';
import { solution, type OdeSolution } from './odeint.ts';
import { stateLeaves, tolerances, type OdeOptions, type OutputOptions, type Tolerance } from './options.ts';
import { secondOrder } from './second-order.ts';
import type { Times } from './times.ts';

/** A field for one item of a batch: y keeps the first axis, of length 1; `item` is its index. */
export type ItemField<Y extends TensorTree> = (t: number, y: Y, item: number) => Y;
/** The same for an acceleration. */
type ItemAcceleration = (t: number, x: tf.Tensor, v: tf.Tensor, item: number) => tf.Tensor;

/**
 * Solves every item of the first axis with steps of its own. One solve after another, as f sees one time at once: for
 * batches whose items differ so much that common steps would cost more.
 */
export function* solveIndependently<Y extends TensorTree, Z extends TensorTree>(
  f: Field<Y>,
  y0: Y,
  ts: Times,
  options: OdeOptions<Y> & OutputOptions<Y, Z>,
): Generator<Read, OdeSolution<Y, Z>, number> {
  const leaves = stateLeaves(y0);
  const items = leaves[0]!.shape[0];
  if (items === undefined || items === 0 || leaves.some((leaf) => leaf.shape[0] !== items)) {
    throw new OdeError('ODE_OPTION', '`independent` needs a first axis of one length, not 0, in all leaves of `y0`.');
  }
  const clash = (['dense', 'events', 'output', 'throw'] as const).find((name) => options[name] !== undefined);
  if (clash !== undefined) {
    throw new OdeError(
      'ODE_OPTION',
      `\`independent\` and \`${clash}\` exclude each other: items end at times of their own.`,
    );
  }
  const { rtol, atol } = options;
  if (rtol !== undefined) tolerances('rtol', rtol, y0);
  if (atol !== undefined) tolerances('atol', atol, y0);
  const each: SolverStats[] = [];
  const parts: Z[] = [];
  let status: Status = 'success';
  let times: number[] = [];
  try {
    for (let item = 0; item < items; item++) {
      const start = tidy(() => leaves.map((leaf) => tf.slice(leaf, [item], [1])));
      const own = {
        ...(rtol !== undefined && { rtol: toleranceOf(item, rtol, y0) }),
        ...(atol !== undefined && { atol: toleranceOf(item, atol, y0) }),
      };
      try {
        const solved = yield* solution<Y, Z>(fieldOf(item, f), treeLike(y0, start), ts, { ...options, ...own });
        parts.push(solved.ys);
        ({ status, ts: times } = solved);
        each.push(solved.stats);
      } finally {
        tf.dispose([start, own] as tf.TensorContainer);
      }
    }
    const columns = parts.map((part) => treeLeavesLike(part, parts[0]!));
    const ys = treeLike(
      parts[0]!,
      columns[0]!.map((_, leaf) =>
        tf.concat(
          columns.map((column) => column[leaf]!),
          1,
        ),
      ),
    );
    return { ts: times, ys, events: [], stats: total(each), status };
  } finally {
    for (const part of parts) for (const leaf of treeLeaves(part)) if (isTensor(leaf)) leaf.dispose();
  }
}

function fieldOf<Y extends TensorTree>(item: number, f: Field<Y>): Field<Y> {
  if (!('acceleration' in f)) return (t, y) => (f as ItemField<Y>)(t, y, item);
  const acceleration = f.acceleration as ItemAcceleration;
  return secondOrder((t, x, v) => acceleration(t, x, v, item)) as unknown as Field<Y>;
}

/** The tolerance of one item: the slice where it has the first axis of its leaf, fresh tensors throughout. */
function toleranceOf(item: number, tolerance: Tolerance, like: TensorTree): Tolerance {
  if (typeof tolerance === 'number') return tolerance;
  if (isTensor(tolerance)) {
    const { rank, shape } = like as tf.Tensor;
    const byItem = tolerance.rank === rank && tolerance.shape[0] === shape[0];
    return byItem ? tf.slice(tolerance, [item], [1]) : tf.clone(tolerance);
  }
  const [own, children] = [tolerance, like] as [Record<string, Tolerance>, Record<string, TensorTree>];
  const entries = Object.keys(own).map((key) => [key, toleranceOf(item, own[key]!, children[key]!)] as const);
  return Array.isArray(tolerance) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

/** The sums of all counts; that of the way back is known once the gradient is taken. */
function total(each: readonly SolverStats[]): SolverStats {
  const sum: SolverStats = { nfe: 0, steps: 0, accepted: 0, rejected: 0 };
  for (const stats of each) {
    for (const count of counts) sum[count] += stats[count];
    if (stats.njev !== undefined) sum.njev = (sum.njev ?? 0) + stats.njev;
  }
  const backward = () => {
    const taken = each.flatMap((stats) => stats.backward ?? []);
    return taken.length === 0 ? undefined : total(taken);
  };
  return Object.defineProperty(sum, 'backward', { get: backward, enumerable: true });
}

const counts = ['nfe', 'steps', 'accepted', 'rejected'] as const;
