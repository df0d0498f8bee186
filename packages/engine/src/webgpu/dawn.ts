import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { describe, noAdapter, type AdapterInfo, type Card, type NoCard } from './adapter.ts';

/** What the package `webgpu` exports: Dawn, the implementation of Chromium, for Node. */
interface Dawn {
  create(options: string[]): unknown;
  globals: Record<string, unknown>;
}

/** How long drivers may take to answer, in milliseconds. */
const patience = 20_000;

/** Prints what the card says about itself as JSON. */
const look = `
const { create, globals } = await import(process.argv[1]);
Object.assign(globalThis, globals);
const adapter = await create([]).requestAdapter({ powerPreference: 'high-performance' });
const { vendor, architecture, description, isFallbackAdapter } = adapter?.info ?? {};
process.stdout.write(JSON.stringify(adapter && { vendor, architecture, description, isFallbackAdapter }), () => process.exit(0));
`;

let answer: Promise<Card | NoCard> | undefined;

/**
 * Looks for a card in a process of its own, once: drivers print to the screen what nobody asked for, and a broken one that
 * crashes is an answer there, and the end of the program here.
 */
export function findDawnCard(): Promise<Card | NoCard> {
  return (answer ??= lookInAnotherProcess());
}

async function lookInAnotherProcess(): Promise<Card | NoCard> {
  const needed = ['webgpu', '@tensorflow/tfjs-backend-webgpu'];
  const missing = needed.find((name) => packageAddress(name) === undefined);
  if (missing !== undefined) {
    return { reason: `the package \`${missing}\` is not installed`, remedy: `npm install ${needed.join(' ')}` };
  }
  const { status, signal, stdout } = await new Promise<{ status: unknown; signal: unknown; stdout: string }>(
    (resolve) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', look, packageAddress('webgpu')!], {
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: patience,
      });
      let stdout = '';
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      child.on('error', ({ message }) => resolve({ status: message, signal: null, stdout }));
      child.on('close', (status, signal) => resolve({ status, signal, stdout }));
    },
  );
  if (signal === 'SIGTERM') return { reason: `WebGPU's driver did not answer within ${patience / 1000} s` };
  if (signal !== null) return { reason: `WebGPU's driver crashed (${String(signal)})` };
  if (status !== 0)
    return { reason: `the package \`webgpu\` does not work here (it ended with status ${String(status)})` };
  const info = JSON.parse(stdout) as AdapterInfo | null;
  return info === null ? noAdapter : describe(info);
}

function packageAddress(name: string): string | undefined {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve(name)).href;
  } catch {
    return undefined;
  }
}

/** Gives this process `navigator.gpu` and the constants of WebGPU, where there is none yet. */
export async function provideDawn(): Promise<void> {
  const scope = globalThis as { navigator?: { gpu?: unknown } };
  if (scope.navigator?.gpu !== undefined) return;
  const { create, globals } = (await import(packageAddress('webgpu')!)) as Dawn;
  Object.assign(globalThis, globals);
  if (scope.navigator === undefined) Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  Object.defineProperty(scope.navigator, 'gpu', { value: create([]), configurable: true });
}
