import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { adam } from './adam.ts';
import { bias } from './bias.ts';
import { cApi } from './c-api.ts';
import { channelLoops } from './channel-loops.ts';
import { convolution } from './convolution.ts';
import { groupNorm } from './group-norm.ts';
import { linearCombination } from './linear-combination.ts';
import { registration } from './registration.ts';
import { threads } from './threads.ts';
import { velocityAcceleration } from './velocity-acceleration.ts';

/** The operations that the networks and the solvers spend their time in, each in one pass over the memory, in C++. */
export const operationsSource = [
  ...[cApi, threads, channelLoops],
  ...[groupNorm, bias, velocityAcceleration, linearCombination, adam, convolution],
  registration,
].join('');

/** What the compiler is told. Roots in vectors: nobody asks them for `errno`. */
export const operationsOptions = ['-O3', '-fno-math-errno', '-std=c++17', '-shared', '-fPIC', '-pthread'];

/** The name of the compiled library, of which every version of the source and its options has its own. */
export const operationsLibrary = `operations-${createHash('sha256')
  .update([...operationsOptions, operationsSource].join(' '))
  .digest('hex')
  .slice(0, 12)}.so`;

/** Where an installation has the library, if it has it. */
export function findOperations(folder: string): string | undefined {
  const path = join(folder, 'lib', operationsLibrary);
  return existsSync(path) ? path : undefined;
}
