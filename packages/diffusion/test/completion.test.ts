import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { main } from '../src/cli/program.ts';

afterEach(() => vi.restoreAllMocks());

async function script(shell: string): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  expect(await main(['completion', shell])).toBe(0);
  vi.restoreAllMocks();
  return written.join('');
}

/** What bash would offer for a line, whose last word is being typed. */
async function offered(line: string): Promise<string[]> {
  const words = line.split(' ');
  const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _missing_u`;
  const shell = `${await script('bash')}\n${ask}; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', shell], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

describe('missing-u completion', () => {
  it.each([
    ['missing-u tr', ['train']],
    ['missing-u native ', ['install', 'status', 'remove', '--help', '-h']],
    ['missing-u native install --wh', ['--wheel']],
    ['missing-u sample --model runs/first --sched', ['--scheduler']],
    ['missing-u compare --features ', ['mnist', 'inception']],
    ['missing-u sample --out pict', []],
  ])('offers for `%s` what there is', async (line, expected) => {
    expect((await offered(line)).sort()).toEqual(expect.arrayContaining([...expected].sort()));
    if (expected.length < 2) expect(await offered(line)).toEqual(expected);
  });

  it.each(['zsh', 'fish'])('has all commands and options for %s', async (shell) => {
    const text = await script(shell);
    for (const word of ['train', 'evaluate', 'checkpoint-every', 'install', 'guidance']) expect(text).toContain(word);
  });

  it('refuses other shells', async () => {
    const error = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    expect(await main(['completion', 'tcsh'])).toBe(2);
    expect(error.mock.calls.join('')).toMatch(/bash, zsh, fish/);
  });
});
