/** Vitest set-up file: starts the engine that the project was made for. */
import { beforeAll } from 'vitest';
import { useEngine } from '../../../packages/engine/src/index.ts';

beforeAll(async () => {
  const name = process.env['MISSING_U_TEST_ENGINE'];
  if (name === undefined) throw new Error('MISSING_U_TEST_ENGINE is not set: run tensor tests through packageTests()');
  // Several test files run side by side, and threads that wait for each other are slow on busy cores.
  await useEngine(name as Parameters<typeof useEngine>[0], { threads: 1 });
});
