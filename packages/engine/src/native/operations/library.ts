import { ownLibrary } from '../own-library.ts';
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

const source = [
  ...[cApi, threads, channelLoops],
  ...[groupNorm, bias, velocityAcceleration, linearCombination, adam, convolution],
  registration,
].join('');

/** The operations that the networks and the solvers spend their time in, each in one pass over the memory, in C++. */
export const operations = ownLibrary(
  'operations',
  // Roots in vectors: nobody asks them for `errno`.
  ['-O3', '-fno-math-errno', '-std=c++17', '-shared', '-fPIC', '-pthread'],
  source,
);
