import * as tf from '@tensorflow/tfjs-core';
import { expect, it, vi } from 'vitest';
import { graphBackend } from '../src/compile/backend.ts';
import { compile } from '../src/index.ts';
import { nativeBackend } from '../src/node.ts';
import { heldGraphs, startNative } from './compile/native.ts';

// The build for cards runs compiled functions as TensorFlow's functions. It computes the same without a card.
vi.mock(import('../src/native/installation.ts'), async (original) => {
  const module = await original();
  const findInstallations = async () => (await module.findInstallations()).map((one) => ({ ...one, gpu: true }));
  return { ...module, findInstallations };
});

const functionLibrary = (await startNative()) ? graphBackend()!.functionLibrary : undefined;
const installed = functionLibrary !== undefined;

it.skipIf(!installed)(
  'makes functions of graphs, and takes them away (needs `missing-u-engine native install`)',
  () => {
    const { binding } = nativeBackend()!;
    const add = vi.spyOn(functionLibrary!, 'add');
    const [graphs, x] = [heldGraphs(), tf.tensor([1, 2, 3])];
    const step = compile((x: tf.Tensor) => [tf.square(x), tf.sum(x)]);
    for (let call = 0; call < 3; call++) expect(step(x).map((y) => [...y.dataSync()])).toEqual([[1, 4, 9], [6]]);
    expect(heldGraphs()).toBe(graphs);
    step.dispose();
    const name = /recorded_\d+_body/.exec(Buffer.from(add.mock.calls[0]![0]).toString('latin1'))![0];
    add.mockRestore();
    expect(() => binding.executeOp(name, [], [], 2)).toThrow(/nor a name of a function/);
    x.dispose();
  },
);

it.skipIf(!installed)('says why a function cannot be', () => {
  expect(functionLibrary!.add(Uint8Array.of(255))).toMatch(/\w/);
  expect(functionLibrary!.remove('nobody')).toMatch(/nobody/);
});

it.skipIf(!installed)('runs operations that it does not know in graphs', () => {
  const graphs = heldGraphs();
  const backend = nativeBackend()!;
  const type = { name: 'T', type: backend.binding.TF_ATTR_TYPE as number, value: backend.binding.TF_FLOAT as number };
  const step = compile((x: tf.Tensor) => backend.executeSingleOutput('Lgamma', [type], [x]));
  const x = tf.tensor([3, 5]);
  for (let call = 0; call < 3; call++) expect([...step(x).dataSync()]).toBeAllClose([Math.log(2), Math.log(24)]);
  expect(heldGraphs()).toBe(graphs + 1);
  step.dispose();
  x.dispose();
});

// All that is said of compiled functions holds for these.
await import('./compile.test.ts');
await import('./compile-operations.test.ts');
await import('./compile.tensor.test.ts');
