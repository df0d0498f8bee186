import { treeLike, type TensorTree } from '@missing-u/autodiff';
import type { Dense } from '../core/dense.ts';
import type { Leaves } from './space.ts';

/** Dense output in the structure of the state. */
export function denseTree<Y extends TensorTree>(record: Dense<Leaves>, like: Y): Dense<Y> {
  return {
    t0: record.t0,
    t1: record.t1,
    evaluate: (t) => treeLike(like, record.evaluate(t)),
    derivative: (t) => treeLike(like, record.derivative(t)),
    dispose: () => record.dispose(),
  };
}
