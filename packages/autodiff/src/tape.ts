/**
 * The only file that touches the internals of TensorFlow.js' autodiff (4.22). What it relies on, all public in the shipped
 * declarations: `engine().state.{activeTape, gradientDepth, kernelDepth, scopeStack, nextTapeNodeId}` and
 * `engine().gradients`; and, of a node of the tape, that the engine hands it to its own `gradient` pruned to the wanted
 * inputs, and disposes what is in `saved` when the outermost gradient is done; and that nodes are added by
 * `engine().addTapeNode`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { AutodiffError } from './errors.ts';

type EngineState = ReturnType<typeof tf.engine>['state'];
export type Tape = EngineState['activeTape'];
type TapeNode = Tape[number];

/** The engine's state; whoever asks for it for the first time gets the order of tapes mended. */
const state = (): EngineState => {
  keepOrder();
  return tf.engine().state;
};

const mended = Symbol.for('@missing-u/autodiff/order');

/**
 * Makes tapes hold every node after those that made its inputs, which engines take for granted. TensorFlow.js puts the clone
 * that an operation saves of its own result (tanh, exp, sigmoid, softmax, ...) before the operation itself, and so loses its
 * part of second derivatives without a word.
 */
function keepOrder(): void {
  const engine = tf.engine() as unknown as Record<symbol, boolean> & {
    addTapeNode(...parts: unknown[]): void;
    state: { activeTape?: Tape | null };
  };
  if (engine[mended] === true) return;
  engine[mended] = true;
  const addTapeNode = engine.addTapeNode.bind(engine);
  engine.addTapeNode = (...parts) => {
    addTapeNode(...parts);
    settleLast(engine.state.activeTape!);
  };
  // A tape that runs already was begun before; there is none at the very beginning (undefined) and after a gradient (null).
  const tape = engine.state.activeTape ?? [];
  for (const node of tape.splice(0)) settleLast((tape.push(node), tape));
}

/** Moves the last node before those clones right before it, of what it saves, that read its outputs. */
function settleLast(tape: Tape): void {
  const last = tape.length - 1;
  const node = tape[last]!;
  let first = last;
  const oldest = Math.max(0, last - (node.saved?.length ?? 0));
  for (let i = last - 1; i >= oldest && isClone(tape[i]!); i--) {
    if (node.outputs.some(({ id }) => id === tape[i]!.inputs['x']!.id && !readsTensor(node, id))) first = i;
  }
  if (first < last) tape.splice(first, 0, tape.pop()!);
}

/** Whether a node may be a clone: one input and nothing saved. */
function isClone({ inputs, saved }: TapeNode): boolean {
  return saved?.length === 0 && inputs['x'] !== undefined && Object.keys(inputs).length === 1;
}

function readsTensor({ inputs }: TapeNode, id: number): boolean {
  return Object.values(inputs).some((input) => input.id === id);
}

/** Whether operations are being recorded right now: inside `tf.grad` and friends, and not inside a custom gradient. */
export function isTaping(): boolean {
  const { gradientDepth, kernelDepth } = state();
  return gradientDepth > 0 && kernelDepth === 0;
}

/**
 * Runs `run` off the tape: nothing of it is recorded on the caller's tape, and gradients taken inside work, be it within a
 * tape, in the gradient function of a `tf.customGrad`, where a plain `tf.grad` breaks the outer gradient, or elsewhere.
 */
export function withFreshTape<T>(run: () => T): T {
  const engine = state();
  const { activeTape, gradientDepth, kernelDepth } = engine;
  Object.assign(engine, { activeTape: null, gradientDepth: 0, kernelDepth: 0 });
  try {
    return run();
  } finally {
    Object.assign(engine, { activeTape, gradientDepth, kernelDepth });
  }
}

/** Runs `run` on a tape of its own, which the caller hands to {@link freeTape} when done; freed here if `run` throws. */
export function recordTape<T>(run: () => T): { value: T; tape: Tape } {
  return withFreshTape(() => {
    const engine = state();
    const tape: Tape = [];
    Object.assign(engine, { activeTape: tape, gradientDepth: 1 });
    try {
      return { value: run(), tape };
    } catch (error) {
      freeTape(tape);
      throw error;
    }
  });
}

/** Disposes what the nodes of a tape hold. */
export function freeTape(tape: Tape, from = 0): void {
  for (const node of tape.splice(from)) node.saved?.forEach((tensor) => tensor.dispose());
}

/** Runs `run`; if it throws, takes what it recorded off the tape, which TensorFlow.js alone would never free. */
export function rollbackOnThrow<T>(run: () => T): T {
  if (!isTaping()) return run();
  const tape = state().activeTape;
  const from = tape.length;
  try {
    return run();
  } catch (error) {
    freeTape(tape, from);
    throw error;
  }
}

/** A position on the running tape, for {@link rewindTape}; undefined off the tape. */
export function markTape(): number | undefined {
  return isTaping() ? state().activeTape.length : undefined;
}

/** Forgets and frees what was recorded since `mark`, for results that are thrown away. */
export function rewindTape(mark: number | undefined): void {
  if (mark !== undefined) freeTape(state().activeTape, mark);
}

/** Where operations lie: on a tape of their own, or on the running tape from a mark on ({@link markTape}). */
export type Recorded = Tape | number;

/**
 * Gradients of `y` with respect to `xs`, null where unconnected.
 *
 * @param tape where `y` was made. On the running tape the gradient is recorded too, and goes no further back than the mark: what
 *     made one of `xs` of another before is no part of it.
 * @param dy cotangent of `y`; absent for the scalar of {@link contract}.
 */
export function gradientsOnTape(tape: Recorded, y: tf.Tensor, xs: tf.Tensor[], dy?: tf.Tensor): (tf.Tensor | null)[] {
  requireGradients();
  const engine = tf.engine();
  const forward = (): tf.Tensor => {
    // The engine has just begun a tape of its own and will free it at the end.
    const recorded = typeof tape === 'number' ? engine.state.activeTape : tape;
    // One by one: a long solve records more nodes than a call takes arguments.
    for (const node of recorded.splice(0)) if (passesGradients(node)) engine.state.activeTape.push(node);
    return y;
  };
  const run = () => namingOperation(() => engine.gradients(forward, xs, dy, true).grads as (tf.Tensor | null)[]);
  return typeof tape === 'number' ? onTapeFrom(tape, run) : withFreshTape(() => freeOnThrow(run));
}

/**
 * Whether a node has a part in gradients: comparisons and the like have none, as what they give is no floating-point number, and the
 * engine, which knows no gradient function for them, would fail where a condition depends on what is differentiated.
 */
function passesGradients({ gradient, outputs }: TapeNode): boolean {
  return (
    (gradient as unknown) !== undefined || outputs.some(({ dtype }) => dtype === 'float32' || dtype === 'complex64')
  );
}

/** Says which operation has no gradient, in place of the engine. */
function namingOperation<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    const name = error instanceof Error ? /gradient function not found for (\w+)/.exec(error.message)?.[1] : undefined;
    if (name === undefined) throw error;
    throw new AutodiffError(
      'AUTODIFF_OPERATION',
      `The operation ${name} has no gradient in TensorFlow.js; compose it of others. Names that end in Grad or BackpropInput are ` +
        'gradients themselves, which second derivatives and `jvp` need the gradient of.',
      { cause: error },
    );
  }
}

/** Runs `run` on the running tape without its part before `from`. */
function onTapeFrom<T>(from: number, run: () => T): T {
  const engine = state();
  const tape = engine.activeTape;
  const recent = tape.splice(from);
  engine.activeTape = recent;
  try {
    return run();
  } finally {
    for (const node of recent) tape.push(node);
    engine.activeTape = tape;
  }
}

/**
 * A scalar whose gradient with respect to `ys` is `dys`: how several outputs pass through an engine that differentiates
 * one. Its value, 0, means nothing.
 */
export function contract(ys: readonly tf.Tensor[], dys: readonly tf.Tensor[]): tf.Tensor {
  const sum = tf.scalar(0);
  recordOperation({ name: 'Contract', inputs: ys, outputs: [sum], vjp: () => dys.map((dy) => tf.clone(dy)) });
  return sum;
}

/** An operation with its own gradient, for {@link recordOperation}. */
export interface RecordedOperation {
  /** For messages of the engine. */
  name: string;
  /** float32 tensors that the outputs depend on. */
  inputs: readonly tf.Tensor[];
  outputs: readonly tf.Tensor[];
  /** Disposed when the tape ends, whether or not the gradient was asked for. */
  saved?: readonly { dispose(): void }[];
  /**
   * Vector-Jacobian product. `dys` are the cotangents of the outputs, zeros where nothing depends on one; `needed[i]` says
   * whether the gradient of input i is wanted. Returns fresh tensors, one per input; what stands for an input that is not
   * needed is ignored. Built of differentiable operations, it can be differentiated again.
   */
  vjp(dys: tf.Tensor[], needed: readonly boolean[]): (tf.Tensor | undefined)[];
}

/**
 * Puts an operation on the running tape: what `tf.customGrad` is for, but with several outputs, with gradients only for
 * the inputs that need one, and with variables found by identity. Off the tape it only disposes `saved`.
 */
export function recordOperation({ name, inputs, outputs, saved = [], vjp }: RecordedOperation): void {
  if (!isTaping()) {
    saved.forEach((item) => item.dispose());
    return;
  }
  const engine = state();
  const shapes = outputs.map((output) => output.shape);
  const node: TapeNode = {
    id: engine.nextTapeNodeId++,
    kernelName: name,
    inputs: Object.fromEntries(inputs.map((input, i) => [i, input])),
    outputs: [...outputs],
    saved: saved as tf.Tensor[],
    gradient(this: TapeNode, dys: (tf.Tensor | null)[]) {
      const needed = inputs.map((_, i) => i in this.inputs);
      const grads = vjp(
        dys.map((dy, i) => dy ?? tf.zeros(shapes[i]!)),
        needed,
      );
      return Object.fromEntries(inputs.map((_, i) => [i, () => grads[i]!]));
    },
  };
  engine.activeTape.push(node);
}

/** The tensors that the nodes of a tape read but did not make and that are still alive, float32 only, without `known`. */
export function capturedOn(tape: Tape, known: readonly tf.Tensor[]): tf.Tensor[] {
  const seen = new Set(known.map((tensor) => tensor.id));
  // All outputs first: the clone that a kernel saves of its output stands on the tape before the kernel does.
  for (const node of tape) for (const output of node.outputs) seen.add(output.id);
  const captured: tf.Tensor[] = [];
  for (const node of tape) {
    for (const input of Object.values(node.inputs)) {
      if (seen.has(input.id)) continue;
      seen.add(input.id);
      if (!input.isDisposed && input.dtype === 'float32') captured.push(input);
    }
  }
  return captured;
}

/**
 * Keeps tensors that a surrounding `tidy` would dispose alive until the returned object is disposed, for functions that
 * close over them and are called again in the backward pass. Tensors that no running scope owns are left to their owner.
 */
export function keepAlive(tensors: readonly tf.Tensor[]): { dispose(): void } {
  const scoped = tensors.filter((tensor) => !tensor.kept && isScoped(tensor));
  for (const tensor of scoped) tf.keep(tensor);
  return {
    dispose() {
      for (const tensor of scoped.splice(0)) {
        tensor.kept = false;
        if (!isScoped(tensor)) tensor.dispose();
      }
    },
  };
}

/** `tf.tidy` for results of any type; the tensors in them survive. */
export function tidy<T>(run: () => T): T {
  return tf.tidy(run as () => tf.TensorContainer) as T;
}

/** The tensor if the running `tidy` owns it; a clone of what it does not own, such as an input handed through. */
export function owned(tensor: tf.Tensor): tf.Tensor {
  return tensor.kept || tensor.scopeId !== state().activeScope?.id ? tf.clone(tensor) : tensor;
}

function isScoped(tensor: tf.Tensor): boolean {
  return state().scopeStack.some((scope) => scope.id === tensor.scopeId);
}

function freeOnThrow<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    const tape = state().activeTape as Tape | null;
    if (tape !== null) freeTape(tape);
    throw error;
  }
}

function requireGradients(): void {
  if (tf.getGradient('Add') != null) return;
  throw new AutodiffError(
    'AUTODIFF_NO_GRADIENTS',
    "TensorFlow.js' gradient functions are not registered; import '@tensorflow/tfjs-layers' or '@tensorflow/tfjs' once in " +
      'your application, or start an engine with `@missing-u/engine`.',
  );
}
