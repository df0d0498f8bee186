import { platform } from '#platform';
import { unknownName } from '@missing-u/errors';
import { OnnxError } from '../errors.ts';
import type { OnnxRuntime, OnnxSession } from './runtime.ts';

/** The runtime of this platform, with what these providers need. */
export async function loadRuntime(providers: readonly string[]): Promise<OnnxRuntime> {
  checkProviders(providers, platform.providers);
  try {
    return await platform.load(providers);
  } catch (cause) {
    throw new OnnxError(
      'ONNX_NO_RUNTIME',
      `Running a model needs the package ${platform.name}, which is not installed or does not load here: npm install ${platform.name}`,
      { cause },
    );
  }
}

/** Those of the providers that a runtime was built with. */
export function providersOf(runtime: OnnxRuntime, providers: readonly string[]): readonly string[] {
  const built = runtime.listSupportedBackends?.().map(({ name }) => name);
  if (built === undefined) return providers;
  const found = providers.filter((name) => built.includes(name));
  if (found.length === 0) checkProviders(providers, built);
  return found;
}

function checkProviders(providers: readonly string[], known: readonly string[]): void {
  for (const name of providers) {
    if (!known.includes(name)) {
      throw new OnnxError(
        'ONNX_PROVIDER',
        unknownName('provider', name, known).replace('not known', 'not there on this machine'),
      );
    }
  }
}

/** A session of a model, its bytes or its path, on the providers that start here. Other errors of the runtime pass. */
export async function createSession(
  runtime: OnnxRuntime,
  model: Uint8Array | string,
  providers: readonly string[],
  settings: Readonly<Record<string, unknown>>,
): Promise<OnnxSession> {
  let left = providers;
  for (;;) {
    try {
      const options = { executionProviders: left, ...settings };
      return await runtime.InferenceSession.create(model as never, options as never);
    } catch (cause) {
      if (!isMissing(cause)) throw cause;
      // The native runtime gives up at the first provider that does not start, wherever in the list it stands.
      const failed = left.find((name) => messageOf(cause).toLowerCase().includes(name)) ?? left[0];
      left = left.filter((name) => name !== failed);
      if (left.length === 0) throw unavailable(providers, cause);
    }
  }
}

/** What `onnxruntime-web` says where none of its providers starts. */
const noBackend = /no available backend|backend not found/i;
/** What `onnxruntime-node` says where the libraries or the card of a provider are missing. */
const notStarted = /AppendExecutionProvider|failed to load shared library|webgpu_context/i;

function isMissing(cause: unknown): boolean {
  return noBackend.test(messageOf(cause)) || notStarted.test(messageOf(cause));
}

function unavailable(providers: readonly string[], cause: unknown): OnnxError {
  const message = messageOf(cause);
  const remedy = noBackend.test(message)
    ? 'The page has to serve the .wasm file of `onnxruntime-web` (in its folder dist) beside the script that holds the ' +
      'runtime, or where `wasmPaths` says.'
    : `Install the drivers and libraries that it needs, or use \`providers: ['${platform.defaultProvider}']\`.`;
  return new OnnxError(
    'ONNX_PROVIDER',
    `None of the providers ${providers.join(', ')} starts here (${message}). ${remedy}`,
    { cause },
  );
}

function messageOf(cause: unknown): string {
  return (cause as Error).message;
}
