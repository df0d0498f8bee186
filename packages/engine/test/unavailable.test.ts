import { expect, it, vi } from 'vitest';
import { loadPeer, lookAtPeer, type Driver } from '../src/driver.ts';
import { useEngine } from '../src/use-engine.ts';

const name = '@tensorflow/tfjs-backend-webgl';
const missing = Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' });

/** A place where only WebGL is offered, and its package is not installed. */
vi.mock('../src/drivers.ts', () => {
  const load = () => loadPeer(() => Promise.reject(missing), name);
  const webgl: Driver = {
    name: 'webgl',
    probe: () => lookAtPeer('webgl', load, 'fine'),
    start: () => Promise.reject(missing),
  };
  return { drivers: [webgl] };
});

it('an engine that cannot be used is refused with its remedy, once', async () => {
  const message = `The engine 'webgl' cannot be used here: The package ${name} is not installed; run \`npm install ${name}\`.`;
  await expect(useEngine('webgl')).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE', message });
});
