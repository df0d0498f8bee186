/**
 * `pnpm bench diffusion`: the default continuous U-Net, called and trained, on the native engine compiled and operation by
 * operation, beside PyTorch (tools/reference/compile, in the virtual environment tools/reference/.venv). One run on one machine;
 * what counts are the ratios, and those of CPU time (both threads together) where the machine is busy.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const reference = join(here, '../../../tools/reference');
const python = join(reference, '.venv/bin/python');
const threads = 2;

/** batch, side, image channels, width, rounds */
const all = [
  [1, 64, 3, 32, 5],
  [16, 64, 3, 32, 3],
  [64, 32, 1, 16, 3],
];
const asked = process.argv.slice(2).map(Number);
const cases = asked.length === 0 ? all : all.filter(([batch]) => asked.includes(batch));

function measure(program, ...args) {
  const { status, stdout, stderr } = spawnSync(program, args.map(String), { encoding: 'utf8' });
  if (status === 0) return JSON.parse(stdout.trim().split('\n').at(-1));
  console.error(stderr.trim().split('\n').slice(-3).join('\n'));
  return {};
}

const cell = (value, digits = 3) => (value === undefined ? '' : Number(value.toPrecision(digits)).toString());
const ratio = (a, b) => (a === undefined || b === undefined ? '' : (a / b).toFixed(2));
const columns = ['PyTorch', 'eager', 'compiled', 'compiled/PyTorch', 'in CPU time', 'compiled/eager', 'in CPU time'];
console.log(`milliseconds, ${threads} threads\n`);
console.log(`| work | ${columns.join(' | ')} | optimising, s | resident, MB | peak, MB | PyTorch's peak |`);
console.log(`| --- |${' ---: |'.repeat(columns.length + 4)}`);
for (const [batch, side, channels, width, rounds] of cases) {
  const shape = [batch, side, channels, width, threads, rounds];
  const torch = existsSync(python) ? measure(python, join(reference, 'compile/cunet_speed.py'), ...shape) : {};
  const [compiled, eager] = ['compiled', 'eager'].map((mode) =>
    measure(process.execPath, join(here, 'measure.mjs'), mode, ...shape),
  );
  for (const kind of ['call', 'step']) {
    const [p, e, c] = [torch, eager, compiled].map((result) => result[kind] ?? {});
    const times = [p, e, c].map(({ milliseconds }) => cell(milliseconds));
    const ratios = [p, e].flatMap((other) => [ratio(c.milliseconds, other.milliseconds), ratio(c.cpu, other.cpu)]);
    const optimize = cell(compiled[`${kind}Optimize`] / 1e3, 2);
    const memory = [compiled.residentMegabytes, compiled.peakMegabytes, torch.peakMegabytes].map((value) =>
      cell(value),
    );
    console.log(
      `| ${kind} ${batch}x${side}x${side}x${channels}, C = ${width} | ${[...times, ...ratios, optimize, ...memory].join(' | ')} |`,
    );
  }
}
