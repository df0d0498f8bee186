import { EngineError } from '../errors.ts';
import type { GraphBackend, OutputMetadata } from './backend.ts';
import { savedModel } from './graph-def.ts';
import type { Program } from './program.ts';
import { unsupported } from './refusals.ts';
import type { Node } from './trace.ts';

/** A graph that TensorFlow has loaded. */
export class Session {
  readonly #backend: GraphBackend;
  readonly #nodes: readonly Node[];
  readonly #inputs: string;
  readonly #outputs: string;
  #id: number | undefined;

  constructor(backend: GraphBackend, program: Program) {
    const { bytes, inputs, outputs } = savedModel(program);
    this.#backend = backend;
    this.#nodes = program.nodes;
    this.#inputs = inputs.join(',');
    this.#outputs = outputs.join(',');
    this.#id = this.#attempt(() => load(backend, bytes));
  }

  run(inputIds: readonly number[]): OutputMetadata[] {
    return this.#attempt(() => this.#backend.binding.runSavedModel(this.#id!, inputIds, this.#inputs, this.#outputs));
  }

  dispose(): void {
    if (this.#id !== undefined) this.#backend.binding.deleteSavedModel(this.#id);
    this.#id = undefined;
  }

  /** TensorFlow names the node where something goes wrong; the program's author knows the line. */
  #attempt<T>(run: () => T): T {
    try {
      return run();
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      const at = /\bn(\d+)\b/.exec(text)?.[1];
      const node = at === undefined ? undefined : this.#nodes[Number(at)];
      if (node?.kind === 'operation' && this.#id === undefined) throw unsupported(node.name, node.line, cause);
      const where = node === undefined ? '' : ` (${node.line})`;
      throw new EngineError('ENGINE_COMPILE_RUN', `A compiled function failed${where}: ${text}`, { cause });
    }
  }
}

/** Hands a graph to TensorFlow, which takes it from a file that is gone afterwards. */
function load(backend: GraphBackend, model: Uint8Array): number {
  const { mkdtempSync, rmSync, writeFileSync } = process.getBuiltinModule('node:fs');
  const { tmpdir } = process.getBuiltinModule('node:os');
  const { join } = process.getBuiltinModule('node:path');
  const folder = mkdtempSync(join(tmpdir(), `missing-u-graph-${process.pid}-`));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), model);
    return backend.binding.loadSavedModel(folder, 'serve');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
