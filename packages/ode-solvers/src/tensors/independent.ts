import * as tf from '@tensorflow/tfjs-core';
import { isTensor, tidy, treeLeaves, treeLeavesLike, treeLike, type TensorTree } from '@missing-u/autodiff';
import type { SolverStats, Status } from '../core/result.ts';
import type { Read } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import type { Field } from './field.ts';
import { solution, type OdeSolution } from './odeint.ts';
import { stateLeaves, type OdeOptions, type OutputOptions } from './options.ts';
import type { Times } from './times.ts';

/** A field for one item of a batch: y keeps the first axis, of length 1; `item` is its index. */
export type ItemField<Y extends TensorTree> = (t: number, y: Y, item: number) => Y;

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
  const stats: SolverStats = { nfe: 0, steps: 0, accepted: 0, rejected: 0 };
  const parts: Z[] = [];
  let status: Status = 'success';
  let times: number[] = [];
  try {
    for (let item = 0; item < items; item++) {
      const start = tidy(() => leaves.map((leaf) => tf.slice(leaf, [item], [1])));
      try {
        const one = Object.assign(
          (t: number, y: Y) => (f as ItemField<Y>)(t, y, item),
          'acceleration' in f && { acceleration: f.acceleration },
        );
        const solved = yield* solution<Y, Z>(one, treeLike(y0, start), ts, options);
        parts.push(solved.ys);
        ({ status, ts: times } = solved);
        for (const count of ['nfe', 'steps', 'accepted', 'rejected'] as const) stats[count] += solved.stats[count];
      } finally {
        tf.dispose(start);
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
    return { ts: times, ys, events: [], stats, status };
  } finally {
    for (const part of parts) for (const leaf of treeLeaves(part)) if (isTensor(leaf)) leaf.dispose();
  }
}
