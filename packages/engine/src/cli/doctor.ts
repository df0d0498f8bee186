import { Command } from 'commander';
import { doctor } from '../doctor.ts';

/** `doctor [--json]`, for any program that is made with commander. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('show which TensorFlow.js engines this machine can use, and what would make the others usable')
    .option('--json', 'print the report as JSON on standard output')
    .action(show);
}

async function show({ json }: { json?: boolean }): Promise<void> {
  const { engine, candidates } = await doctor();
  if (json) {
    process.stdout.write(`${JSON.stringify({ engine, candidates })}\n`);
    return;
  }
  process.stdout.write(`engine: ${engine.name} (${engine.version}, ${engine.device})\n\n`);
  for (const { name, usable, reason, remedy } of candidates) {
    process.stdout.write(`${usable ? '✓' : '✗'} ${name.padEnd(7)} ${reason}\n`);
    if (remedy !== undefined) process.stdout.write(`          ${remedy}\n`);
  }
}
