import { useEngine, type EngineName } from '@missing-u/engine';
import { MissingUError } from '@missing-u/errors';
import { Command, CommanderError } from 'commander';
import { compareImagesCommand } from './compare-images.ts';
import { evaluateCommand, type CommandHost } from './evaluate.ts';

const host: CommandHost = {
  startEngine: ({ engine, threads }) =>
    useEngine((engine ?? process.env['MISSING_U_ENGINE'] ?? 'auto') as EngineName | 'auto', {
      log: (line) => process.stderr.write(`${line}\n`),
      ...(threads === undefined ? {} : { threads }),
    }),
};

/** The command `missing-u-metrics`. @returns its exit status: 0 done, 1 a fault of ours, 2 something a person can mend */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('missing-u-metrics')
    .description('Metrics of pictures and of folders of pictures, equal to their reference implementations')
    .showHelpAfterError('(`missing-u-metrics <command> --help` lists the options)')
    .addCommand(evaluateCommand(host))
    .addCommand(compareImagesCommand(host));
  for (const command of [program, ...program.commands]) command.exitOverride();
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof MissingUError)) throw error;
    process.stderr.write(`missing-u-metrics: ${error.message} [${error.code}]\n`);
    return 2;
  }
}
