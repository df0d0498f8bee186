import * as tf from '@tensorflow/tfjs-core';
import { attributeTypes, type Attribute, type GraphBackend } from '../../compile/backend.ts';
import { replaceKernel, runBuiltIn } from '../../composed-kernel.ts';
import type { NativeBinding } from '../load.ts';
import { convolveFewPixels } from './few-pixels.ts';

const int = (name: string, value: number): Attribute => ({ name, type: attributeTypes.int, value });
const float = (name: string, value: number | readonly number[]): Attribute => ({
  name,
  type: attributeTypes.float,
  value,
});

/** The native engine's backend, with the calls that operations of several results need. */
type Native = GraphBackend & {
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: tf.TensorInfo[], outputs: number): tf.Tensor[];
};

/** A kernel that is one operation. */
function kernel(
  kernelName: string,
  run: (
    native: Native,
    inputs: Record<string, tf.TensorInfo>,
    attrs: Record<string, unknown>,
  ) => tf.Tensor | tf.Tensor[],
): tf.KernelConfig {
  return {
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, backend, attrs }) =>
      run(backend as unknown as Native, inputs as Record<string, tf.TensorInfo>, attrs ?? {}),
  };
}

/** Kernels under names that the networks and the solvers look for, and that other engines compose of usual operations. */
const kernels: tf.KernelConfig[] = [
  kernel('GroupNormalize', (native, { x, scale, shift }, attrs) =>
    native.executeSingleOutput('MissingUGroupNorm', norm(attrs), [x!, scale!, shift!]),
  ),
  kernel('GroupNormalizeGrad', (native, { x, scale, dy }, attrs) =>
    native.executeMultipleOutputs('MissingUGroupNormGrad', norm(attrs), [x!, scale!, dy!], 3),
  ),
  kernel('ReluBiasGrad', (native, { dy, y }) =>
    native.executeMultipleOutputs('MissingUReluBiasGrad', [], [dy!, y!], 2),
  ),
  kernel('ChannelSums', (native, { x }) => native.executeSingleOutput('MissingUChannelSums', [], [x!])),
  kernel('VelocityAcceleration', (native, { branch, bias, residual, shift, state }, { relu }) => {
    const attributes = [{ name: 'relu', type: attributeTypes.bool, value: relu as boolean }];
    return native.executeSingleOutput('MissingUVelocityAcceleration', attributes, [branch!, bias!, residual!, shift!, state!]); // prettier-ignore
  }),
  kernel('LinearCombination', (native, inputs, { weights }) => {
    const terms = Object.values(inputs);
    const attributes = [int('N', terms.length), float('weights', weights as number[])];
    return native.executeSingleOutput('MissingULinearCombination', attributes, terms);
  }),
  kernel('VectorNorm', (native, { x }) => native.executeSingleOutput('MissingUVectorNorm', [], [x!])),
  kernel('AdamUpdate', (native, inputs, attrs) => {
    const { parameters, averages, betas, epsilon } = attrs as { [name in 'parameters' | 'averages' | 'epsilon']: number } & { betas: [number, number] }; // prettier-ignore
    const outputs = parameters + 2 + averages;
    const attributes = [
      ...[int('N', parameters), int('K', averages), int('outputs', outputs)],
      ...[
        float(
          'betas',
          betas.flatMap((beta) => [beta, 1 - beta]),
        ),
        float('epsilon', epsilon),
      ],
    ];
    return native.executeMultipleOutputs('MissingUAdam', attributes, Object.values(inputs), outputs);
  }),
];

function norm({ groups, epsilon }: Record<string, unknown>): Attribute[] {
  return [int('groups', groups as number), float('epsilon', epsilon as number)];
}

/** Gives the native engine the kernels of the operations that were compiled for it. */
export function registerOperationKernels(binding: NativeBinding): void {
  for (const each of kernels) tf.registerKernel(each);
  convolveFewPixels(binding);
  fuseBias();
}

/** Bias and relu of a convolution in one pass over its result, in place, instead of two into new memory. */
function fuseBias(): void {
  const builtIn = tf.getKernel('FusedConv2D', 'tensorflow');
  replaceKernel({
    ...builtIn,
    kernelFunc: (args) => {
      const { bias, preluActivationWeights, ...inputs } = args.inputs as Record<string, tf.Tensor>;
      const { activation, ...attributes } = args.attrs as Record<string, unknown>;
      const usual = bias?.rank === 1 && preluActivationWeights === undefined && attributes['dataFormat'] === 'NHWC';
      const known = activation === 'linear' || activation === 'relu';
      if (!usual || !known) return builtIn.kernelFunc(args);
      const convolved = runBuiltIn(tf.getKernel('Conv2D', 'tensorflow'), inputs, attributes);
      const relu = { name: 'relu', type: attributeTypes.bool, value: activation === 'relu' };
      const native = args.backend as unknown as Native;
      const result = native.executeSingleOutput('MissingUBias', [relu], [convolved, bias]);
      convolved.dispose();
      return result;
    },
  });
}
