import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as schedulers from '../src/index.ts';

it.each(['../README.md', '../../../docs/schedulers.md'])('the examples of %s run', async (file) => {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  const examples = [...text.matchAll(/```ts\n([^]*?)```/g)].map((match) => match[1]!);
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) {
    const code = example.replace(/^import .*$/gm, '');
    const run = new Function(...Object.keys(schedulers), `return (async () => { ${code}\nreturn sample; })()`) as (
      ...values: unknown[]
    ) => Promise<ArrayLike<number>>;
    const sample = await run(...Object.values(schedulers));
    expect(Array.from(sample).every(Number.isFinite)).toBe(true);
  }
});

it('the README counts the schedulers', () => {
  const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(text).toContain(`${Object.keys(schedulers.SCHEDULERS).length} schedulers, \`SCHEDULERS\``);
});
