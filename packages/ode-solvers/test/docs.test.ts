import * as autodiff from '@missing-u/autodiff';
import { useEngine } from '@missing-u/engine';
import { examplesOf, runExample } from '@missing-u/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import * as float64 from '../src/float64/index.ts';
import * as solvers from '../src/index.ts';

beforeAll(() => useEngine('wasm'));

const modules = {
  '@missing-u/autodiff': autodiff,
  '@missing-u/engine': { useEngine: () => Promise.resolve() },
  '@missing-u/ode-solvers': solvers,
  '@missing-u/ode-solvers/float64': float64,
  '@tensorflow/tfjs-core': tf,
};

describe.each(['../README.md', '../../../docs/ode-solvers.md'])('%s', (page) => {
  const examples = examplesOf(new URL(page, import.meta.url));

  it.each(examples.map((example, i) => [i + 1, example] as const))(
    'example %i runs and logs what it says',
    async (_i, example) => {
      const logged = await runExample(example, modules);
      // A log is followed by what it prints: `console.log(x); // 3`.
      const told = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(
        ([, text]) => JSON.parse(text!) as unknown,
      );
      const values = logged.map(([value]) => (ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value));
      expect(values).toHaveLength(told.length);
      values.forEach((value, i) => {
        const want = told[i];
        if (typeof want === 'number' || Array.isArray(want))
          expect(value as number).toBeAllClose(want as number, { rtol: 1e-3, atol: 1e-3 });
        else expect(value).toEqual(want);
      });
    },
  );
});
