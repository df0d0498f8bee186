import { readFileSync } from 'node:fs';
import { datasetsCommand } from '@missing-u/datasets/cli';
import { denoiseCommand } from '@missing-u/denoisers/cli';
import { doctorCommand, nativeCommand } from '@missing-u/engine/cli';
import { compareImagesCommand, evaluateCommand } from '@missing-u/metrics/cli';
import { Command } from 'commander';
import { compareCommand } from './commands/compare.ts';
import { completionCommand } from './commands/completion.ts';
import { demoCommand } from './commands/demo.ts';
import { exportCommand } from './commands/export.ts';
import { paperCommand } from './commands/paper.ts';
import { profileCommand } from './commands/profile.ts';
import { sampleCommand } from './commands/sample.ts';
import { summaryCommand } from './commands/summary.ts';
import { trainCommand } from './commands/train.ts';
import { report } from './exit.ts';
import { modelSampling } from './model-sampling.ts';
import { openDenoiser } from './open-model.ts';
import { startEngine } from './start-engine.ts';

/** Runs the command line and returns its exit status; a new command is one new file and one line here. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('missing-u')
    .description(
      'Diffusion models for TypeScript: train, sample and look, with a continuous U-Net or any other denoiser.',
    )
    .version(version())
    .showHelpAfterError('(`missing-u help` lists the commands, `missing-u <command> --help` their options)')
    .addCommand(demoCommand())
    .addCommand(trainCommand())
    .addCommand(sampleCommand())
    .addCommand(exportCommand())
    .addCommand(summaryCommand())
    .addCommand(profileCommand())
    .addCommand(denoiseCommand({ startEngine, loadModel: openDenoiser }))
    .addCommand(compareCommand())
    .addCommand(paperCommand())
    .addCommand(evaluateCommand({ startEngine, models: modelSampling }))
    .addCommand(compareImagesCommand({ startEngine }))
    .addCommand(datasetsCommand())
    .addCommand(doctorCommand())
    .addCommand(nativeCommand())
    .addCommand(completionCommand());
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride();
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error, (text) => process.stderr.write(`${text}\n`));
  }
}

function version(): string {
  // Both src/cli/ and the bundled dist/ lie inside the package.
  for (const path of ['../package.json', '../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string }).version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}
