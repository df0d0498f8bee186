import { CUNet, type CUNetConfig, type CUNetOptions, type SolverOptions } from '@missing-u/cunet';
import * as Plot from '@observablehq/plot';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainingScheduler } from '../contracts.ts';
import type { Network } from '../networks.ts';
import { figure, palette } from '../plots/figure.ts';
import { validate } from '../training/validate.ts';
import type { ExperimentResult } from './experiment.ts';
import { convolutionsIn } from '../kernels.ts';

type FixedSolver = Pick<SolverOptions, 'method' | 'steps'>;
type AdaptiveSolver = Pick<SolverOptions, 'method' | 'rtol' | 'atol'>;

/** Those that choose their steps. */
const adaptiveMethods: readonly string[] = [
  'dopri5',
  'tsit5',
  'dopri8',
  'bosh3',
  'fehlberg2',
  'adaptive_heun',
  'kvaerno3',
];

/** Ways to integrate the blocks of one trained network, besides its own. */
const others: readonly (FixedSolver | AdaptiveSolver)[] = [
  { method: 'rk4', steps: 1 },
  { method: 'euler', steps: 1 },
  { method: 'midpoint', steps: 1 },
  { method: 'rk4', steps: 2 },
  { method: 'rk4', steps: 4 },
  { method: 'dopri5', rtol: 1e-2, atol: 1e-2 },
  { method: 'dopri5', rtol: 1e-3, atol: 1e-3 },
  { method: 'dopri5', rtol: 1e-5, atol: 1e-5 },
];
const mostExact = nameOf(others.at(-1)!);

function nameOf(solver: FixedSolver | AdaptiveSolver): string {
  if ('steps' in solver) return `${solver.method}, ${solver.steps} step${solver.steps === 1 ? '' : 's'}`;
  const { method, rtol, atol } = solver;
  return `${method}, ${[...new Set([rtol, atol])].map((tolerance) => tolerance.toExponential()).join(' and ')}`;
}

/** The solver that a network was trained with, by what it goes by: its steps or its tolerances. */
function ownSolver({ config }: Network): FixedSolver | AdaptiveSolver {
  const { method, steps, rtol, atol } = (config as CUNetConfig).solver;
  return adaptiveMethods.includes(method) ? { method, rtol, atol } : { method, steps };
}

/** Evaluations of f that one step of rk4 makes in a block. */
const EVALUATIONS_OF_RK4 = 4;

export interface SolverAblationOptions {
  /** A trained cU-Net; it stays alive. */
  network: Network;
  scheduler: TrainingScheduler;
  /** Test images, [count, height, width, channels] in [-1, 1]; they stay alive. */
  images: tf.Tensor4D;
  batch: number;
  seed: number;
  setUp: string;
  onProgress?: (done: number, total: number, what: string) => void;
  signal?: AbortSignal;
}

export interface MeasuredSolver {
  solver: string;
  /** Mean squared error of the predicted noise on the test images. */
  loss: number;
  /** Largest difference of a prediction from that of the most exact solver. */
  difference: number;
  /** Mean evaluations of f in a block. */
  evaluations: number;
  millisecondsPerImage: number;
}

/**
 * The same trained weights under other solvers: does the network depend on the solver it was trained with, as a discretised
 * network would, or only on the equation, as a continuous one does? The paper leaves it open.
 */
export async function solverTable(options: SolverAblationOptions): Promise<ExperimentResult> {
  const rows = await measureSolvers(options);
  const own = nameOf(ownSolver(options.network));
  const table = {
    caption:
      `One trained cU-Net under other solvers, run operation by operation. Loss on ${options.images.shape[0]} test images, ` +
      `the same noise for all; the first row is how it was trained, differences are from ${mostExact}. Not in the paper. ${options.setUp}`,
    columns: ['solver', 'loss', 'largest difference', 'evaluations of f / block', 'ms / image'],
    rows: rows.map(({ solver, loss, difference, evaluations, millisecondsPerImage }) => [
      ...[solver, loss, difference, evaluations, millisecondsPerImage],
    ]),
  };
  const svg = figure({
    x: { label: 'evaluations of f in a block', grid: true },
    y: { label: 'loss on test images', grid: true },
    color: { range: palette },
    marks: [
      Plot.dot(rows, { x: 'evaluations', y: 'loss', r: 4, fill: palette[0]! }),
      Plot.text(rows, { x: 'evaluations', y: 'loss', text: 'solver', textAnchor: 'start', dx: 7, dy: -6 }),
    ],
    marginRight: 130,
  });
  return {
    title: 'Solvers of one trained network',
    table,
    figures: [{ kind: 'plot', svg, caption: `Loss against the evaluations of f, for weights trained with ${own}` }],
    data: rows,
  };
}

async function measureSolvers(options: SolverAblationOptions): Promise<MeasuredSolver[]> {
  const { network, scheduler, images, batch, seed, onProgress, signal } = options;
  const own = ownSolver(network);
  const settings = [own, ...others.filter((solver) => nameOf(solver) !== nameOf(own))];
  const timestep = Number(scheduler.config['num_train_timesteps']) >> 1;
  const probe = tf.slice(images, [0, 0, 0, 0], [Math.min(4, images.shape[0]), -1, -1, -1]);
  const measured: (Omit<MeasuredSolver, 'difference'> & { prediction: Float32Array; convolutions: number })[] = [];
  try {
    for (const [i, solver] of settings.entries()) {
      const name = nameOf(solver);
      signal?.throwIfAborted();
      const variant = withSolver(network, solver);
      try {
        let prediction: tf.Tensor4D | undefined;
        const convolutions = convolutionsIn(() => (prediction = variant.predict(probe, timestep)));
        const values = (await prediction!.data()) as Float32Array;
        prediction!.dispose();
        const begin = performance.now();
        const { loss } = await validate({
          ...{ denoiser: variant, scheduler, seed, compile: false },
          batches: batchesOf(images, batch),
        });
        const millisecondsPerImage = (performance.now() - begin) / images.shape[0];
        const row = { solver: name, loss, evaluations: 0, millisecondsPerImage };
        measured.push({ ...row, prediction: values, convolutions });
      } finally {
        variant.dispose();
      }
      onProgress?.(i + 1, settings.length, name);
    }
  } finally {
    probe.dispose();
  }
  // Every evaluation runs the same convolutions, and so does the rest of the network: two fixed solvers tell how many.
  const of = (name: string) => measured.find(({ solver }) => solver === name)!.convolutions;
  const perStep = of('rk4, 2 steps') - of('rk4, 1 step');
  const fixed = of('rk4, 1 step') - perStep;
  const exact = measured.find(({ solver }) => solver === mostExact)!.prediction;
  return measured.map(({ prediction, convolutions, ...row }) => ({
    ...row,
    evaluations: (EVALUATIONS_OF_RK4 * (convolutions - fixed)) / perStep,
    difference: prediction.reduce((largest, value, k) => Math.max(largest, Math.abs(value - exact[k]!)), 0),
  }));
}

/** The same weights in a network that integrates otherwise. */
function withSolver(network: Network, solver: Partial<SolverOptions>): CUNet {
  const variant = new CUNet({ ...(network.config as CUNetOptions), solver, weights: 'none' });
  variant.loadStateDict(network.stateDict());
  return variant;
}

async function* batchesOf(images: tf.Tensor4D, size: number): AsyncGenerator<{ images: tf.Tensor4D }> {
  const count = images.shape[0];
  for (let first = 0; first < count; first += size) {
    yield { images: tf.slice(images, [first, 0, 0, 0], [Math.min(size, count - first), -1, -1, -1]) };
  }
}
