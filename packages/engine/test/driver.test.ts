import { expect, it } from 'vitest';
import { loadPeer, lookAtPeer } from '../src/driver.ts';

const name = '@tensorflow/tfjs-backend-none';
const missing = Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });
const look = (error?: Error) =>
  lookAtPeer(
    'wasm',
    () => loadPeer(() => (error === undefined ? Promise.resolve({}) : Promise.reject(error)), name),
    'fine',
  );

it('an engine whose package is not installed is not usable, and the remedy is named', async () => {
  expect(await look()).toEqual({ name: 'wasm', usable: true, reason: 'fine' });
  const remedy = `npm install ${name}`;
  expect(await look(missing)).toEqual({
    name: 'wasm',
    usable: false,
    reason: `The package ${name} is not installed; run \`${remedy}\`.`,
    remedy,
  });
  expect((await look(new Error('Unexpected token'))).reason).toContain('cannot be loaded (Unexpected token)');
});
