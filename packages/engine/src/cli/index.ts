import { Command, CommanderError } from 'commander';
import { doctorCommand } from './doctor.ts';
import { nativeCommand, reportFailure } from './native.ts';

export { doctorCommand } from './doctor.ts';
export { nativeCommand } from './native.ts';

/** The command `missing-u-engine`. @returns its exit status: 0 done, 1 a fault of ours, 2 something a person can mend */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('missing-u-engine')
    .description('The fastest TensorFlow.js engine of this machine')
    .addCommand(nativeCommand())
    .addCommand(doctorCommand());
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride();
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return reportFailure(error);
  }
}
