import { doctor } from '@missing-u/engine';
import { Command } from 'commander';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('show which TensorFlow.js engines this machine can use, and what would make the others usable')
    .option('--json', 'print the report as JSON on standard output')
    .action(showDoctor);
}

async function showDoctor({ json }: { json?: boolean }): Promise<void> {
  const report = await doctor();
  if (json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const { engine, candidates } = report;
  process.stdout.write(`engine: ${engine.name} ${engine.version} (${engine.device})\n\n`);
  for (const { name, usable, reason, remedy } of candidates) {
    process.stdout.write(`${usable ? '✓' : '✗'} ${name.padEnd(7)} ${reason}\n`);
    if (remedy !== undefined) process.stdout.write(`          ${remedy}\n`);
  }
}
