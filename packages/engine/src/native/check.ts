import { EngineError } from '../errors.ts';
import { cudaLibraries } from './cuda.ts';
import { lastLines, runCommand } from './command.ts';
import { settings } from './settings.ts';

/**
 * Runs in a process of its own, so that a library that crashes on this processor takes nothing with it: a convolution and
 * both its gradients through the binding, over whole numbers, so that the expected results are exact. With the image
 * 1..9, the filter [[1, 2], [3, 4]] and dy = 1 the sums can be done by hand.
 */
const script = `
const folder = process.argv[1];
const helper = require(folder + '/lib/helper.node');
for (let round = 0, left = process.argv.slice(2); round < 4; round++) left = left.filter((path) => helper.preload(path) !== '');
const binding = require(folder + '/lib/tfjs_binding.node');
const { TF_FLOAT, TF_INT32, TF_ATTR_INT, TF_ATTR_TYPE, TF_ATTR_STRING, TF_ATTR_BOOL } = binding;
const tensor = (shape, values) => binding.createTensor(shape, TF_FLOAT, Float32Array.from(values));
const sizes = (values) => binding.createTensor([values.length], TF_INT32, Int32Array.from(values));
const attributes = [
  { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
  { name: 'strides', type: TF_ATTR_INT, value: [1, 1, 1, 1] },
  { name: 'padding', type: TF_ATTR_STRING, value: 'VALID' },
  { name: 'data_format', type: TF_ATTR_STRING, value: 'NHWC' },
  { name: 'use_cudnn_on_gpu', type: TF_ATTR_BOOL, value: true },
  { name: 'dilations', type: TF_ATTR_INT, value: [1, 1, 1, 1] },
];
const image = tensor([1, 3, 3, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
const filter = tensor([2, 2, 1, 1], [1, 2, 3, 4]);
const dy = tensor([1, 2, 2, 1], [1, 1, 1, 1]);
const run = (name, inputs) => Array.from(binding.tensorDataSync(binding.executeOp(name, attributes, inputs, 1)[0].id));
console.log(JSON.stringify({
  gpu: binding.isUsingGpuDevice(),
  forward: run('Conv2D', [image, filter]),
  filter: run('Conv2DBackpropFilter', [image, sizes([2, 2, 1, 1]), dy]),
  input: run('Conv2DBackpropInput', [sizes([1, 3, 3, 1]), filter, dy]),
}));
`;

const expected = {
  forward: [37, 47, 67, 77],
  filter: [12, 16, 24, 28],
  input: [1, 3, 2, 4, 10, 6, 3, 7, 4],
};

/** Checks the compiled binding of an installation. Throws `ENGINE_CHECK_FAILED`. @returns whether it computed on a graphics card */
export async function checkBinding(folder: string): Promise<{ gpu: boolean }> {
  const { status, signal, stdout, output } = await runCommand(
    process.execPath,
    ['-e', script, folder, ...cudaLibraries(folder)],
    {
      env: settings(folder, {}),
    },
  );
  if (signal !== null || status !== 0) {
    const illegal =
      signal === 'SIGILL' ? ' (this processor lacks instructions that the library needs, AVX for example)' : '';
    const how = signal === null ? `ended with status ${status}` : `was ended by ${signal}${illegal}`;
    throw new EngineError(
      'ENGINE_CHECK_FAILED',
      `TensorFlow does not run on this machine: its check ${how}.\n${lastLines(output)}`,
    );
  }
  const results = JSON.parse(stdout.trim().split('\n').at(-1)!) as typeof expected & { gpu: boolean };
  for (const [name, values] of Object.entries(expected)) {
    const actual = results[name as keyof typeof expected];
    if (actual.length !== values.length || actual.some((value, i) => Math.abs(value - values[i]!) > 1e-3)) {
      const message = `TensorFlow computes wrong numbers on this machine (convolution, ${name}): ${actual.join(' ')} instead of ${values.join(' ')}.`;
      throw new EngineError('ENGINE_CHECK_FAILED', message);
    }
  }
  return { gpu: results.gpu };
}
