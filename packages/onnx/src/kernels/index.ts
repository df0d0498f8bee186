import { elementwise } from './elementwise.ts';
import { images } from './images.ts';
import { matrices } from './matrices.ts';
import { reductions } from './reductions.ts';
import type { KernelRules } from './rule.ts';
import { shapes } from './shapes.ts';

/** Every kernel of TensorFlow.js that can be written to a file; a new one is one entry in the table of its kind. */
export const kernels: KernelRules = { ...elementwise, ...images, ...matrices, ...reductions, ...shapes };
