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
import { pretrainedModels } from '../pipelines/package-folder.ts';
import { report } from './exit.ts';
import { modelSampling } from './model-sampling.ts';
import { openDenoiser } from '../runs/open-model.ts';
import { startEngine } from './start-engine.ts';

/** The whole command line; a new command is one new file and one line here. */
export function makeProgram(): Command {
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
    .addCommand(
      explained(
        denoiseCommand({ startEngine, loadModel: openDenoiser, modelNames: pretrainedModels }),
        ['denoise noisy/*.png --sigma 25', 'denoise noisy.png --method runs/first --sigma 40 --reference clean.png'],
        'A diffusion model (the folder of a run or a pipeline, or mnist-cunet) denoises pictures of the size that it was trained on: by\n' +
          'DDIM from the timestep whose noise has that sigma. `missing-u paper table2 table3` measures it at many levels of noise\n' +
          'beside the paper, `table4` beside BM3D, an auto-encoder and DnCNN.',
      ),
    )
    .addCommand(compareCommand())
    .addCommand(paperCommand())
    .addCommand(evaluateCommand({ startEngine, models: modelSampling }))
    .addCommand(explained(compareImagesCommand({ startEngine }), ['compare-images clean.png denoised.png --json']))
    .addCommand(
      explained(datasetsCommand(), [
        'datasets list',
        'datasets download mnist',
        'datasets show mnist --out digits.png',
      ]),
    )
    .addCommand(explained(doctorCommand(), ['doctor', 'doctor --json']))
    .addCommand(explained(nativeCommand(), ['native install', 'native status --json', 'native remove']))
    .addCommand(completionCommand());
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride();
  }
  return program;
}

/** Runs the command line and returns its exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = makeProgram();
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error, (text) => process.stderr.write(`${text}\n`));
  }
}

/** A command of another package with examples in its help, and what it does with the models of this one. */
function explained(command: Command, examples: readonly string[], more?: string): Command {
  const lines = examples.map((text) => `  missing-u ${text}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}${more === undefined ? '' : `\n\n${more}`}`);
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
