import { expect, it } from 'vitest';
import { OnnxDenoiser } from '@missing-u/onnx';
import type { Node, Port } from '../src/model/model.ts';
import { writeModel } from '../src/model/write.ts';

const image = { type: 'float32', dims: ['batch', 1, 2, 2] } as const;

/** A file as others write it, with these inputs. */
function file(inputs: Port[], nodes: Omit<Node, 'name'>[]): Uint8Array<ArrayBuffer> {
  return writeModel({
    name: 'other', opset: 17, producer: '', producerVersion: '', description: '', metadata: {},
    initializers: [
      { name: 'column', dims: [2], type: 'int64', bytes: new Uint8Array(BigInt64Array.of(-1n, 1n).buffer) },
      { name: 'pixel', dims: [4], type: 'int64', bytes: new Uint8Array(BigInt64Array.of(-1n, 1n, 1n, 1n).buffer) },
    ],
    inputs, outputs: [{ ...image, name: 'out_sample' }],
    nodes: nodes.map((node, i) => ({ ...node, name: `n${i}` })),
  }); // prettier-ignore
}

it('gives a model that joins its times with labels one time per image, also where they are equal', async () => {
  const perImage = (name: string): Port => ({ name, type: 'float32', dims: ['batch'] });
  const bytes = file([{ ...image, name: 'sample' }, perImage('timestep'), perImage('label')], [
    { operator: 'Reshape', inputs: ['timestep', 'column'], outputs: ['times'], attributes: {} },
    { operator: 'Reshape', inputs: ['label', 'column'], outputs: ['labels'], attributes: {} },
    { operator: 'Concat', inputs: ['times', 'labels'], outputs: ['pairs'], attributes: { axis: 1 } },
    { operator: 'ReduceMax', inputs: ['pairs'], outputs: ['largest'], attributes: { axes: [1], keepdims: 1 } },
    { operator: 'Reshape', inputs: ['largest', 'pixel'], outputs: ['added'], attributes: {} },
    { operator: 'Add', inputs: ['sample', 'added'], outputs: ['out_sample'], attributes: {} },
  ]); // prettier-ignore
  const onnx = await OnnxDenoiser.load(bytes, { threads: 1 });
  for (const times of [5, [5, 5], [5, 4]]) {
    const result = await onnx.predict(new Float32Array(8), times, { label: [9, 1] });
    expect([...result]).toEqual([9, 9, 9, 9, ...new Array<number>(4).fill(times instanceof Array ? times[1]! : times)]);
  }
  await onnx.dispose();
});

it('gives masks and bytes', async () => {
  const bytes = file(
    [
      { ...image, name: 'sample' },
      { name: 'timestep', type: 'float32', dims: [1] },
      { name: 'mask', type: 'bool', dims: ['batch'] },
      { name: 'level', type: 'uint8', dims: ['batch'] },
    ],
    [
      { operator: 'Cast', inputs: ['level'], outputs: ['number'], attributes: { to: 1 } },
      { operator: 'Where', inputs: ['mask', 'number', 'timestep'], outputs: ['chosen'], attributes: {} },
      { operator: 'Reshape', inputs: ['chosen', 'pixel'], outputs: ['added'], attributes: {} },
      { operator: 'Add', inputs: ['sample', 'added'], outputs: ['out_sample'], attributes: {} },
    ],
  );
  const onnx = await OnnxDenoiser.load(bytes, { threads: 1 });
  const result = await onnx.predict(new Float32Array(8), 3, { mask: [1, 0], level: [200, 7] });
  expect([...result]).toEqual([200, 200, 200, 200, 3, 3, 3, 3]);
  await onnx.dispose();
});

it('refuses a model with an input of a type that cannot be given', async () => {
  const int8 = { name: 'level', type: 'int8', dims: ['batch'] } as unknown as Port;
  const { elementTypes } = await import('../src/model/model.ts');
  Object.assign(elementTypes, { int8: 3 });
  const bytes = file(
    [{ ...image, name: 'sample' }, { name: 'timestep', type: 'float32', dims: [1] }, int8],
    [{ operator: 'Neg', inputs: ['sample'], outputs: ['out_sample'], attributes: {} }],
  );
  await expect(OnnxDenoiser.load(bytes)).rejects.toMatchObject({
    code: 'ONNX_NOT_A_DENOISER',
    message: expect.stringMatching(/input level .* type that cannot be given \(3\)/) as string,
  });
});
