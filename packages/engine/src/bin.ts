#!/usr/bin/env node
import { main } from './cli/index.ts';

// `missing-u-engine doctor | head -1` closes the pipe early, which is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await main(process.argv.slice(2));
