import * as tf from '@tensorflow/tfjs-core';
import { again, capturedOn, freeTape, jvp, linearise, pullBack, tidy } from '@missing-u/autodiff';
import type { BackwardStats } from '../core/result.ts';
import type { System } from '../core/space.ts';
import { OdeError } from '../errors.ts';
import type { LeavesField } from '../tensors/field.ts';
import { rms } from '../tensors/norms.ts';
import { tensorSpace, type LeafTolerances, type Leaves, type LeavesNorm } from '../tensors/space.ts';

/** Size of the scaled errors of state, adjoint and parameter gradients; a step is accepted at 1 or less. */
export type AdjointNorm = (state: Leaves, adjoint: Leaves, parameters: Leaves) => tf.Tensor | number;

/** What the augmented system is made of. */
export interface AugmentedParts {
  field: LeavesField;
  /** Number of leaves of the state. */
  width: number;
  /** Those whose gradients are integrated. */
  parameters: tf.Tensor[];
  /** All tensors that f is known to close over. */
  known: readonly tf.Tensor[];
  rtol: LeafTolerances;
  atol: LeafTolerances;
  stateNorm: LeavesNorm;
  norm: 'seminorm' | 'full' | AdjointNorm;
  stats: BackwardStats;
}

/** The system of (y, a, g): y' = f, a' = -aᵀ ∂f/∂y, g' = -aᵀ ∂f/∂θ. */
export function augmentedSystem(parts: AugmentedParts): System<Leaves> {
  const { field, width, parameters, known, rtol, atol, stats } = parts;
  const f = (t: number, state: Leaves): Leaves => {
    stats.nfe++;
    return slopes(field, t, state.slice(0, width), state.slice(width, 2 * width), parameters, known);
  };
  // A norm over parameters of any shape has no leaf of the state to take its tolerance from.
  const loosest = (tolerances: LeafTolerances) => tolerances.find((tolerance) => typeof tolerance === 'number') ?? 1e-6;
  const pad = (tolerances: LeafTolerances) => [
    ...tolerances,
    ...tolerances,
    ...parameters.map(() => loosest(tolerances)),
  ];
  const space = tensorSpace(pad(rtol), pad(atol), normOf(parts));
  const measured = parts.norm === 'seminorm' ? 2 * width : 2 * width + parameters.length;
  return {
    space: {
      ...space,
      scaledNorm: (y, a, b) => space.scaledNorm(y.slice(0, measured), a.slice(0, measured), b.slice(0, measured)),
    },
    f,
    linearise: (t, state) => (v) =>
      jvp((...leaves: tf.Tensor[]) => f(t, leaves) as tf.Tensor[], state as tf.Tensor[], v as tf.Tensor[]),
  };
}

function slopes(
  field: LeavesField,
  t: number,
  y: Leaves,
  a: Leaves,
  parameters: tf.Tensor[],
  known: readonly tf.Tensor[],
): Leaves {
  return tidy(() => {
    const { outputs, tape } = linearise(() => again(() => field(t, y) as tf.Tensor[]));
    if (typeof tape !== 'number') {
      const unknown = capturedOn(tape, [...y, ...known]);
      if (unknown.length > 0) {
        freeTape(tape);
        throw new OdeError(
          'ODE_CAPTURE',
          `At t = ${t} f uses a tensor of shape [${unknown[0]!.shape}] that it did not use on the way forward, so its gradient ` +
            'would be lost; name it in `parameters`.',
        );
      }
    }
    const minus = a.map((leaf) => tf.neg(leaf));
    return [...outputs, ...pullBack(tape, [...y, ...parameters], outputs, minus)];
  });
}

function normOf({ norm, stateNorm, width }: AugmentedParts): LeavesNorm {
  if (typeof norm === 'function') {
    return (scaled) => norm(scaled.slice(0, width), scaled.slice(width, 2 * width), scaled.slice(2 * width));
  }
  return (scaled) => {
    const groups = [scaled.slice(0, width), scaled.slice(width, 2 * width)].map(stateNorm);
    if (norm === 'full' && scaled.length > 2 * width) groups.push(rms(scaled.slice(2 * width)));
    return tf.max(tf.stack(groups.map((size) => (typeof size === 'number' ? tf.scalar(size) : size))));
  };
}
