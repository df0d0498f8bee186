import { EngineError } from '../errors.ts';
import type { SourceLine } from './source-line.ts';

/** Operations whose result has a shape that depends on values; what is computed from it cannot be replayed. */
const valueShaped = /^(Where|Unique|ListDiff|NonMaxSuppression|BooleanMask|SparseReshape|SparseFillEmptyRows|Ragged)/;

/** Operations that draw random numbers. */
const random = /^(Multinomial|Random|StatelessRandom|TruncatedNormal)/;

/** Operations on text, files and the screen. */
const outsideWorld =
  /^(String|Decode|Encode|ReadFile|WriteFile|Print|SummaryWriter|CreateSummary|FlushSummary|Write\w*Summary)/;

/** Refuses operations that would not mean the same in a graph. */
export function refuseOperation(name: string, line: SourceLine): void {
  if (random.test(name)) throw randomness(line);
  if (valueShaped.test(name)) {
    throw new EngineError(
      'ENGINE_COMPILE_UNSUPPORTED_OP',
      `A compiled function cannot use ${name}, as the shape of its result depends on values (${line}). ` +
        'Do this part outside the compiled function.',
    );
  }
  if (outsideWorld.test(name)) throw unsupported(name, line);
}

export function unsupported(name: string, line: SourceLine, cause?: unknown): EngineError {
  return new EngineError(
    'ENGINE_COMPILE_UNSUPPORTED_OP',
    `A compiled function cannot use ${name}, which graphs do not have in this form (${line}). ` +
      'Do this part outside the compiled function.',
    { cause },
  );
}

export function randomness(line: SourceLine): EngineError {
  return new EngineError(
    'ENGINE_COMPILE_RANDOM',
    `A compiled function drew a random number (${line}): it would stay the same for ever. ` +
      'Draw it outside, with a seeded generator, and pass it in as a tensor.',
  );
}

export function valueRead(line: SourceLine): EngineError {
  return new EngineError(
    'ENGINE_COMPILE_READS_VALUES',
    `A compiled function read the values of a tensor (${line}), but while it is recorded its decisions cannot depend on ` +
      'values: they would stay the same for ever. Return the tensor and read it outside, use fixed steps instead of ' +
      'adaptive ones, or `tf.where` instead of `if`.',
  );
}

export function disposedTensor(line: SourceLine): EngineError {
  return new EngineError(
    'ENGINE_COMPILE_DISPOSED_CAPTURE',
    `A compiled function uses a tensor that was disposed before (${line}). Keep it (\`tf.keep\`) as long as the function, or ` +
      'pass it in as an argument.',
  );
}

export function changed(what: string, remedy: string): EngineError {
  return new EngineError(
    'ENGINE_COMPILE_CHANGED',
    `A compiled function did something else than when it was recorded: ${what}. ${remedy}`,
  );
}

export function keepsState(what: string): EngineError {
  return new EngineError(
    'ENGINE_COMPILE_STATE',
    `A compiled function changes what later calls find: ${what}. Return what it computes, or keep its state in variables ` +
      '(`tf.variable`) made beforehand, and assign them.',
  );
}

export function overBudget(
  shapes: string,
  least: number,
  fixed: number,
  budget: number,
  line: SourceLine,
): EngineError {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  return new EngineError(
    'ENGINE_COMPILE_MEMORY',
    `A compiled function (compiled at ${line}) cannot do with a \`memoryBudget\` of ${megabytes(budget)} for ${shapes}: it ` +
      `needs at least ${megabytes(least)} at a time, ${megabytes(fixed)} of it for arguments, variables and constants, with all computed ` +
      'again that helps. Raise `memoryBudget`, or give it fewer images at a time.',
  );
}
