import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MissingUError } from '@missing-u/errors';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { Interrupted, report } from '../src/cli/exit.ts';
import { makeProgram } from '../src/cli/program.ts';

const bin = fileURLToPath(new URL('../bin/missing-u.js', import.meta.url));

/** The commands that do something, by the words that reach them. */
function leaves(command: Command, path: readonly string[] = []): [path: string, command: Command][] {
  if (command.commands.length === 0) return [[path.join(' '), command]];
  return command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
}

const program = makeProgram();
const commands = leaves(program);
const longFlags = (command: Command) => command.options.map(({ long }) => long);

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

describe('missing-u', () => {
  it('has the verbs', () => {
    const verbs = 'train sample denoise evaluate compare summary doctor native datasets demo'.split(' ');
    expect(program.commands.map((command) => command.name())).toEqual(expect.arrayContaining(verbs));
  });

  it.each(commands.filter(([path]) => path !== 'completion'))('%s gives JSON where it is asked to', (_, command) => {
    expect(longFlags(command)).toContain('--json');
  });

  it.each(program.commands.map((command) => [command.name(), command] as const))(
    '%s shows how it is used',
    (_, command) => {
      expect(helpOf(command)).toMatch(/\n(Examples?:|To use it).*\n {2}/);
    },
  );

  it('has one name for one thing in all commands', () => {
    const flags = new Set(commands.flatMap(([, command]) => longFlags(command)));
    for (const other of ['--output', '--output-dir', '--num-steps', '--batch_size', '--random-seed', '--backend']) {
      expect(flags).not.toContain(other);
    }
    // What computes takes an engine.
    for (const verb of ['train', 'sample', 'denoise', 'evaluate', 'compare', 'summary', 'profile', 'demo', 'paper']) {
      const command = commands.find(([path]) => path === verb)![1];
      expect(longFlags(command)).toEqual(expect.arrayContaining(['--engine', '--threads']));
    }
  });
});

describe('the exit status', () => {
  class BadInput extends MissingUError {}

  it.each([
    [
      'bad input, in a line with its code',
      new BadInput('SOME_CODE', 'a message'),
      2,
      /^missing-u: a message \[SOME_CODE\]$/,
    ],
    ['Ctrl-C, in silence', new Interrupted('SIGINT'), 130, /^$/],
    ['SIGTERM, in silence', new Interrupted('SIGTERM'), 143, /^$/],
    [
      'a bug, with the place where it is',
      new TypeError('oops'),
      1,
      /please report it\nTypeError: oops\n\s+at .*command\.test/,
    ],
  ])('tells of %s', (_, error, status, printed) => {
    const lines: string[] = [];
    expect(report(error, (line) => lines.push(line))).toBe(status);
    expect(lines.join('\n')).toMatch(printed);
  });
});

const terminal = hasScript();

function hasScript(): boolean {
  try {
    execFileSync('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!terminal)('on a terminal (needs `script`, of util-linux)', () => {
  it.each([
    ['with colours', {}, true],
    ['without, where NO_COLOR is set', { NO_COLOR: '1' }, false],
    ['with colours, where NO_COLOR is empty', { NO_COLOR: '' }, true],
  ])('the progress has a bar %s', (_, environment, coloured) => {
    const folder = mkdtempSync(join(tmpdir(), 'missing-u-terminal-'));
    try {
      const { NO_COLOR: _, ...env } = process.env;
      const sampling = 'sample --model ho --size 32 --channels 1 --count 1 --steps 1 --engine wasm';
      const line = `"${process.execPath}" "${bin}" ${sampling} --out "${folder}/grid.png"`;
      const shown = execFileSync('script', ['-qec', line, '/dev/null'], {
        encoding: 'utf8',
        env: { ...env, TERM: 'xterm', ...environment },
      });
      expect(shown).toContain('█');
      expect(shown).toMatch(/sampling .*1\/1/);

      expect(/\u001b\[3\dm/.test(shown)).toBe(coloured);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
