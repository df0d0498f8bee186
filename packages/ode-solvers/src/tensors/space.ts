import * as tf from '@tensorflow/tfjs-core';
import { markTape, owned, rewindTape, tidy, withFreshTape } from '@missing-u/autodiff';
import type { Read, Space } from '../core/space.ts';
import { linearCombination } from './linear-combination.ts';

/** A state as the solvers see it: the leaves of the user's tree. */
export type Leaves = readonly tf.Tensor[];

/** Size of an error whose entries are in units of their tolerance. */
export type LeavesNorm = (scaled: Leaves) => tf.Tensor | number;

/** Tolerance for every leaf: a number, or a tensor that broadcasts to it. */
export type LeafTolerances = readonly (number | tf.Tensor)[];

/** The arithmetic of lists of tensors. */
export function tensorSpace(rtol: LeafTolerances, atol: LeafTolerances, norm: LeavesNorm): Space<Leaves> {
  return {
    combine(base, scale, weights, terms, picks) {
      const scaled = scale === 1 ? weights : weights.map((weight) => scale * weight);
      const used = picks === undefined ? terms : picks.map((index) => terms[index]!);
      return (base ?? terms[0]!).map((_, leaf) =>
        linearCombination(
          base?.[leaf],
          scaled,
          used.map((term) => term[leaf]!),
        ),
      );
    },

    scaledNorm: (y, a, b) => {
      const scaled = () =>
        y.map((leaf, i) => {
          const magnitude = a[i] === b[i] ? tf.abs(a[i]!) : tf.maximum(tf.abs(a[i]!), tf.abs(b[i]!));
          return tf.div(leaf, tf.add(tf.mul(magnitude, rtol[i]!), atol[i]!));
        });
      return reading(() => norm(scaled()));
    },

    dot: (a, b) => {
      const sum = reading(() => tf.addN(a.map((leaf, i) => tf.sum(tf.mul(leaf, b[i]!)))));
      return typeof sum === 'number' ? sum : sum.now();
    },

    finiteness: (y) => reading(() => tf.addN(y.map((leaf) => tf.sum(tf.sub(leaf, leaf))))),
    scope: tidy,
    owned: true,
    free: (states) => tf.dispose(states as tf.Tensor[][]),
    mark: markTape,
    rewind: rewindTape,
  };
}

/** A scalar made off the tape, to be read once. */
export function reading(make: () => tf.Tensor | number): Read {
  const value = withFreshTape(() =>
    tidy(() => {
      const made = make();
      return typeof made === 'number' ? made : owned(made);
    }),
  );
  if (typeof value === 'number') return value;
  return {
    now() {
      try {
        return value.dataSync()[0]!;
      } finally {
        value.dispose();
      }
    },
    async later() {
      try {
        return (await value.data())[0]!;
      } finally {
        value.dispose();
      }
    },
  };
}
