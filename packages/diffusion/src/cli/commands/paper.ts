import { join, resolve } from 'node:path';
import { unknownName } from '@missing-u/errors';
import { Command } from 'commander';
import { DiffusionError } from '../../errors.ts';
import { experiments } from '../../paper/index.ts';
import type { ExperimentResult } from '../../paper/experiment.ts';
import { reportPage, type Section } from '../../reports/page.ts';
import { tableToCsv, tableToText } from '../../reports/table.ts';
import { makeFolder, writeAtomically } from '../../runs/files.ts';
import { svgToPng } from '../../plots/figure.ts';
import { interruptible } from '../interrupt.ts';
import { positiveInteger, withEngineFlags, type EngineFlags } from '../options.ts';
import { startProgress, type Progress } from '../progress.ts';
import { startEngine } from '../start-engine.ts';

interface Flags extends EngineFlags {
  size: number;
  channels: number;
  quick?: boolean;
  out: string;
  json?: boolean;
}

export function paperCommand(): Command {
  const list = Object.entries(experiments).map(([name, { about }]) => `  ${name.padEnd(8)} ${about}`);
  const command = new Command('paper')
    .description("repeat tables and figures of the paper, its numbers beside this machine's")
    .argument('<what...>', `${Object.keys(experiments).join(', ')}, or all`)
    .option('--size <pixels>', 'side of the images', positiveInteger, 64)
    .option('--channels <count>', 'channels of the images', positiveInteger, 3)
    .option('--quick', 'fewer repetitions')
    .option('--out <folder>', 'where report.html and, for each table, JSON, CSV, SVG and PNG go', 'paper')
    .option('--json', 'print what was measured as JSON on standard output');
  return withEngineFlags(command)
    .addHelpText(
      'after',
      `\nTables and figures:\n${list.join('\n')}\n\nExample:\n  missing-u paper table5 --quick --out paper`,
    )
    .action(run);
}

async function run(
  what: string[],
  { out: folder, json, quick = false, size, channels, ...flags }: Flags,
): Promise<void> {
  const names = what.includes('all') ? Object.keys(experiments) : [...new Set(what)];
  for (const name of names) {
    if (Object.hasOwn(experiments, name)) continue;
    const message = unknownName('table or figure', name, [...Object.keys(experiments), 'all']);
    throw new DiffusionError('DIFFUSION_UNKNOWN_EXPERIMENT', message);
  }
  const out = resolve(folder);
  makeFolder(out);
  const engine = await startEngine(flags);
  const results: Record<string, ExperimentResult> = {};
  for (const name of names) {
    const result = await interruptible((signal) => measured(name, { size, channels, quick, signal }));
    write(join(out, name), result);
    results[name] = result;
    if (!json) process.stdout.write(`${tableToText(result.table)}\n`);
  }
  const stamp = `${new Date().toISOString().slice(0, 10)}, ${engine} engine, ${size} x ${size} x ${channels}.`;
  writeAtomically(join(out, 'report.html'), reportPage('The Missing U, measured here', page(results, stamp)));
  const data = Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data]));
  process.stdout.write(json ? `${JSON.stringify(data)}\n` : `${join(out, 'report.html')}\n`);
}

/** Runs an experiment with a progress bar that begins when there is something to count. */
async function measured(
  name: string,
  options: { size: number; channels: number; quick: boolean; signal: AbortSignal },
): Promise<ExperimentResult> {
  let progress: Progress | undefined;
  try {
    return await experiments[name]!.run({
      ...options,
      onProgress(done, total, what) {
        progress ??= startProgress(name, total);
        progress.update(done, what);
      },
    });
  } finally {
    progress?.stop();
  }
}

function write(path: string, { table, figures, data }: ExperimentResult): void {
  writeAtomically(`${path}.json`, `${JSON.stringify(data, null, 2)}\n`);
  writeAtomically(`${path}.csv`, tableToCsv(table));
  const plots = figures.filter((section) => section.kind === 'plot');
  for (const [i, { svg }] of plots.entries()) {
    const stem = plots.length === 1 ? path : `${path}-${i + 1}`;
    writeAtomically(`${stem}.svg`, svg);
    writeAtomically(`${stem}.png`, svgToPng(svg));
  }
}

function page(results: Readonly<Record<string, ExperimentResult>>, stamp: string): Section[] {
  const sections = Object.values(results).flatMap(({ title, table, figures }): Section[] => [
    { kind: 'heading', text: title },
    { kind: 'table', table },
    ...figures,
  ]);
  return [{ kind: 'text', text: stamp }, ...sections];
}
