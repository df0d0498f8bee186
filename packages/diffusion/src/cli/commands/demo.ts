import { Command } from 'commander';
import type { DemoFlags } from '../demo/flags.ts';
import { samplingDemo } from '../demo/sampling.ts';
import { trainingDemo } from '../demo/training.ts';
import { integer, positiveInteger, withEngineFlags } from '../options.ts';

export function demoCommand(): Command {
  const command = new Command('demo')
    .description('sample digits from the trained cU-Net and the U-Net it replaces, side by side: a minute or two')
    .option('--out <folder>', 'where the pictures, report.json and report.html go', 'demo-out')
    .option('--steps <count>', 'denoising steps (default: 25); with --train optimiser steps (300)', positiveInteger)
    .option('--seed <number>', 'of the noise; with --train of weights and data order too', integer, 0)
    .option('--train', 'train a small cU-Net from scratch instead: a few minutes')
    .option('--json', 'print report.json on standard output');
  const examples = ['demo', 'demo --steps 10 --engine wasm --out demo-out', 'demo --train --steps 600'];
  withEngineFlags(command).addHelpText(
    'after',
    `\nExamples:\n${examples.map((text) => `  missing-u ${text}`).join('\n')}`,
  );
  return command.action((flags: DemoFlags) => (flags.train === true ? trainingDemo(flags) : samplingDemo(flags)));
}
