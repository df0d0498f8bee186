import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';
import type { GraphBackend, OutputMetadata } from './backend.ts';
import type { Program } from './program.ts';
import type { Schedule } from './recompute.ts';
import { Session } from './session.ts';
import { refKey, results, type InputNode, type Ref, type Source, type Trace } from './trace.ts';
import { waits } from './waits.ts';

/** A trace as a graph that can be run, for one set of shapes. */
export class CompiledGraph {
  readonly trace: Trace;
  /** What TensorFlow was given. */
  readonly program: Program;
  readonly #backend: GraphBackend;
  readonly #session: Session;
  readonly #inputs: number[];
  /** What a run computes; inputs that are handed through are not among it. */
  readonly #fetched: Ref[];

  /** @param schedule the nodes of the trace, or those that do with less memory */
  constructor(backend: GraphBackend, trace: Trace, { nodes, order }: Schedule) {
    this.trace = trace;
    this.#backend = backend;
    this.#inputs = trace.nodes.flatMap(({ kind }, i) => (kind === 'input' ? [i] : []));
    const computed = results(trace).filter(({ node }) => trace.nodes[node]!.kind !== 'input');
    this.#fetched = [...new Map(computed.map((ref) => [refKey(ref), ref])).values()];
    this.program = { nodes, inputs: this.#inputs, outputs: this.#fetched, control: waits(nodes, order) };
    this.#session = new Session(backend, this.program);
  }

  /** Runs the graph on new arguments, and assigns its variables. */
  run(args: readonly tf.Tensor[]): tf.Tensor[] {
    const { outputs, assigned } = this.evaluate(this.inputsOf(args));
    this.trace.assignments.forEach(({ variable }, i) => variable.assign(assigned[i]!));
    tf.dispose(assigned);
    return outputs;
  }

  /** What a run on these arguments reads, by node. */
  inputsOf(args: readonly tf.Tensor[]): Map<number, tf.TensorInfo> {
    return new Map(this.#inputs.map((node) => [node, this.#current(this.trace.nodes[node] as InputNode, args)]));
  }

  /** The binding's numbers of what is asked of a run on given inputs, each a result that was computed or assigned. */
  fetch(inputs: ReadonlyMap<number, tf.TensorInfo>, wanted: readonly Ref[]): number[] {
    const metadata = this.#run(inputs);
    const ids = new Map(this.#fetched.map((ref, i) => [refKey(ref), metadata[i]!.id]));
    return wanted.map((ref) => ids.get(refKey(ref))!);
  }

  /** What the graph gives for given inputs, by node; nothing is assigned. */
  evaluate(inputs: ReadonlyMap<number, tf.TensorInfo>): { outputs: tf.Tensor[]; assigned: tf.Tensor[] } {
    const fetched = this.#run(inputs).map((each) => this.#backend.createOutputTensor(each));
    const take = (ref: Ref): tf.Tensor => {
      const at = this.#fetched.findIndex(({ node, output }) => node === ref.node && output === ref.output);
      return share(this.#backend, fetched[at] ?? inputs.get(ref.node)!);
    };
    const outputs = this.trace.outputs.map(take);
    const assigned = this.trace.assignments.map(({ value }) => take(value));
    tf.dispose(fetched);
    return { outputs, assigned };
  }

  #run(inputs: ReadonlyMap<number, tf.TensorInfo>): OutputMetadata[] {
    const tensors = this.#inputs.map((node) => inputs.get(node)!);
    return this.#fetched.length === 0 ? [] : this.#session.run(this.#backend.getInputTensorIds(tensors));
  }

  dispose(): void {
    this.#session.dispose();
  }

  #current(input: InputNode, args: readonly tf.Tensor[]): tf.TensorInfo {
    const { source } = input;
    if (source.kind === 'argument') return args[source.index]!;
    const gone = source.kind === 'variable' ? source.variable.isDisposed : !this.#backend.tensorMap.has(source.dataId);
    if (gone) throw disposed(source, input);
    if (source.kind === 'variable') return source.variable;
    return { dataId: source.dataId, ...this.#typed(input) };
  }

  #typed({ shape, dtype }: InputNode): { shape: number[]; dtype: tf.DataType } {
    const names: Record<number, tf.DataType> = { 1: 'float32', 3: 'int32', 8: 'complex64', 10: 'bool' };
    return { shape, dtype: names[dtype]! };
  }
}

/** One more tensor on the same data, owned by the running scope. */
function share(backend: GraphBackend, tensor: tf.TensorInfo): tf.Tensor {
  const { dataId, shape, dtype } = tensor;
  backend.incRef(dataId);
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype });
}

function disposed(source: Exclude<Source, { kind: 'argument' }>, { line }: InputNode): EngineError {
  const what = source.kind === 'variable' ? `the variable '${source.variable.name}'` : 'a tensor';
  return new EngineError(
    'ENGINE_COMPILE_DISPOSED_CAPTURE',
    `A compiled function closes over ${what}, used at ${line}, that was disposed. Keep it (\`tf.keep\`) as long as the ` +
      'function, or pass it in as an argument.',
  );
}
