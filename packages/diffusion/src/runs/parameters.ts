import * as tf from '@tensorflow/tfjs-core';
import { toFloat32, type StateDict } from '@missing-u/weights';
import type { NamedParameter } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';

/**
 * Assigns the values of a state dict to parameters of the same paths and shapes.
 *
 * @throws DiffusionError `DIFFUSION_STATE_MISMATCH`, before anything is assigned.
 */
export function assignParameters(parameters: readonly NamedParameter[], values: StateDict): void {
  const problems = parameters.flatMap(({ name, variable }) => {
    const shape = values[name]?.shape.join();
    if (shape === variable.shape.join()) return [];
    return [
      `\`${name}\` is [${variable.shape.join(', ')}] in the network and ${shape === undefined ? 'missing' : `[${shape}]`} in the file`,
    ];
  });
  if (problems.length > 0 || Object.keys(values).length !== parameters.length) {
    const example =
      problems[0] ?? `the file has ${Object.keys(values).length} tensors, the network ${parameters.length}`;
    const message = `The weights are of another network: ${example} (${problems.length} such). Use the configuration they were trained with.`;
    throw new DiffusionError('DIFFUSION_STATE_MISMATCH', message);
  }
  tf.tidy(() => {
    for (const { name, variable } of parameters) {
      variable.assign(tf.tensor(toFloat32(values[name]!), variable.shape));
    }
  });
}
