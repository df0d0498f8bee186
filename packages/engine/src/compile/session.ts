import { EngineError } from '../errors.ts';
import type { GraphBackend, OutputMetadata } from './backend.ts';
import { asFunctions, savedModel } from './graph-def.ts';
import type { Program } from './program.ts';
import { unsupported } from './refusals.ts';
import type { Node } from './trace.ts';

/** A graph that TensorFlow has loaded. */
export class Session {
  readonly #nodes: readonly Node[];
  #loaded: Loaded | undefined;

  constructor(backend: GraphBackend, program: Program) {
    this.#nodes = program.nodes;
    this.#loaded = this.#attempt(() => loadFunction(backend, program) ?? loadModel(backend, program));
  }

  run(inputIds: readonly number[]): OutputMetadata[] {
    return this.#attempt(() => this.#loaded!.run(inputIds));
  }

  dispose(): void {
    this.#loaded?.dispose();
    this.#loaded = undefined;
  }

  /** TensorFlow names the node where something goes wrong; the program's author knows the line. */
  #attempt<T>(run: () => T): T {
    try {
      return run();
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      const at = /\bn(\d+)\b/.exec(text)?.[1];
      const node = at === undefined ? undefined : this.#nodes[Number(at)];
      if (node?.kind === 'operation' && this.#loaded === undefined) throw unsupported(node.name, node.line, cause);
      const where = node === undefined ? '' : ` (${node.line})`;
      throw new EngineError('ENGINE_COMPILE_RUN', `A compiled function failed${where}: ${text}`, { cause });
    }
  }
}

/** A graph in one of the two forms that TensorFlow runs. */
interface Loaded {
  run(inputIds: readonly number[]): OutputMetadata[];
  dispose(): void;
}

let functions = 0;

/**
 * As a function, which takes its operands and leaves its results where they are, on the card: weights do not travel at each run.
 * Undefined where functions are not known, or not all of the operations are.
 */
function loadFunction({ binding, functionLibrary }: GraphBackend, program: Program): Loaded | undefined {
  const made = functionLibrary && asFunctions(program, `recorded_${functions++}`);
  if (made === undefined) return undefined;
  for (const definition of made.definitions) {
    const reason = functionLibrary!.add(definition);
    if (reason !== '') throw new Error(reason);
  }
  return {
    run: (inputIds) => binding.executeOp(made.names.at(-1)!, [], inputIds, program.outputs.length),
    dispose: () => made.names.forEach((name) => functionLibrary!.remove(name)),
  };
}

/** As a saved model, whose operands and results are on the host. TensorFlow takes it from a file that is gone afterwards. */
function loadModel({ binding }: GraphBackend, program: Program): Loaded {
  const { mkdtempSync, rmSync, writeFileSync } = process.getBuiltinModule('node:fs');
  const { tmpdir } = process.getBuiltinModule('node:os');
  const { join } = process.getBuiltinModule('node:path');
  const { bytes, inputs, outputs } = savedModel(program);
  const names = { inputs: inputs.join(','), outputs: outputs.join(',') };
  const folder = mkdtempSync(join(tmpdir(), `missing-u-graph-${process.pid}-`));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), bytes);
    const id = binding.loadSavedModel(folder, 'serve');
    return {
      run: (inputIds) => binding.runSavedModel(id, inputIds, names.inputs, names.outputs),
      dispose: () => binding.deleteSavedModel(id),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
