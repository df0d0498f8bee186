import type * as tfjs from '@tensorflow/tfjs-core';
import { OnnxError } from '../errors.ts';
import type { KernelRule, KernelRules, Signature, Signatures } from '../kernels/rule.ts';
import { describePlace, type Attributes, type DataType, type Place, type Step } from './graph.ts';
import { currentPlace, watchModules, type ModulePath } from './place.ts';
import { unsupported, unsupportedForm } from './unsupported.ts';

export type TensorFlow = typeof tfjs;

/** A tensor of one trace, with the shape that it had there. */
export type TracedValue =
  | { kind: 'input'; name: string; shape: readonly number[]; dtype: DataType }
  | { kind: 'computed'; shape: readonly number[]; dtype: DataType }
  | { kind: 'constant'; shape: readonly number[]; dtype: DataType; tensor: tfjs.Tensor };

/** What one call did. The constants' tensors belong to whoever asked for the trace. */
export interface Trace {
  inputs: TracedValue[];
  steps: Step<TracedValue>[];
  outputs: TracedValue[];
  /** Tensors to dispose. */
  constants: tfjs.Tensor[];
}

/** An argument of the traced call. */
export interface TracedInput {
  name: string;
  shape: readonly number[];
  dtype: DataType;
}

/**
 * Writes down what a function computes, kernel by kernel, without computing it: what depends on the arguments has a shape
 * and no values. What depends on weights and numbers alone is computed by the engine, so it ends as a constant.
 */
export function trace(
  tf: TensorFlow,
  rules: KernelRules,
  model: object,
  inputs: readonly TracedInput[],
  call: (tensors: tfjs.Tensor[]) => unknown,
): Trace {
  const path: ModulePath = { current: '' };
  const tracer = new Tracer(tf, rules, path);
  const unwatch = watchModules(model, path);
  try {
    return tracer.run(inputs, call);
  } catch (error) {
    tf.dispose(tracer.constants);
    throw error;
  } finally {
    unwatch();
  }
}

type Engine = ReturnType<typeof tfjs.engine>;
type Backend = tfjs.KernelBackend;

class Tracer {
  readonly constants: tfjs.Tensor[] = [];
  readonly #values = new Map<object, TracedValue>();
  readonly #steps: Step<TracedValue>[] = [];
  #refusal: OnnxError | undefined;

  constructor(
    private readonly tf: TensorFlow,
    private readonly rules: KernelRules,
    private readonly path: ModulePath,
  ) {}

  run(inputs: readonly TracedInput[], call: (tensors: tfjs.Tensor[]) => unknown): Trace {
    const { tf } = this;
    const engine = tf.engine();
    const isTest = tf.env().getBool('IS_TEST');
    // Its count of an engine's tensors knows nothing of those without values.
    tf.env().set('IS_TEST', false);
    const unmark = markRecording(engine);
    const execute = engine.runKernel.bind(engine);
    engine.runKernel = ((name: string, given: tfjs.NamedTensorMap, attributes: Attributes = {}) =>
      this.#kernel(execute, name, given, attributes)) as Engine['runKernel'];
    try {
      const values = inputs.map((input): TracedValue => ({ kind: 'input', ...input }));
      let outputs: TracedValue[] = [];
      tf.tidy(() => {
        const returned = call(values.map((value) => this.#placeholder(value)));
        if (this.#refusal !== undefined) throw this.#refusal;
        outputs = [this.#output(returned)];
      });
      return { inputs: values, steps: this.#steps, outputs, constants: this.constants };
    } finally {
      // The method of the prototype comes back.
      delete (engine as { runKernel?: unknown }).runKernel;
      unmark();
      tf.env().set('IS_TEST', isTest);
    }
  }

  #kernel(
    execute: Engine['runKernel'],
    name: string,
    given: tfjs.NamedTensorMap,
    givenAttributes: Attributes,
  ): tfjs.Tensor | tfjs.Tensor[] {
    const tensors = Object.entries(given).filter(([, tensor]) => tensor != null);
    if (!tensors.some(([, { dataId }]) => this.#values.get(dataId)?.kind === 'computed' || this.#isInput(dataId))) {
      return execute(name, given, givenAttributes as tfjs.NamedAttrMap);
    }
    const place = currentPlace(this.path);
    const rule = Object.hasOwn(this.rules, name) ? this.rules[name]! : undefined;
    if (rule === undefined) throw this.#refuse(unsupported(name, Object.keys(this.rules), place));
    const inputs = Object.fromEntries(tensors.map(([key, tensor]) => [key, this.#valueOf(tensor)]));
    const [attributes, inferred] = this.#infer(name, rule, inputs, givenAttributes, place);
    const outputs = (Array.isArray(inferred) ? inferred : [inferred]).map(
      ({ shape, dtype }: Signature): TracedValue => ({ kind: 'computed', shape, dtype }),
    );
    this.#steps.push({ kernel: name, inputs, attributes, outputs, place });
    const made = outputs.map((value) => this.#placeholder(value));
    return Array.isArray(inferred) ? made : made[0]!;
  }

  #infer(
    name: string,
    rule: KernelRule,
    inputs: Signatures,
    given: Attributes,
    place: Place,
  ): [Attributes, Signature | Signature[]] {
    try {
      const attributes = rule.resolve?.(inputs, given) ?? given;
      return [attributes, rule.infer(inputs, attributes)];
    } catch (cause) {
      throw this.#refuse(unsupportedForm(name, place, cause));
    }
  }

  #isInput(id: object): boolean {
    return this.#values.get(id)?.kind === 'input';
  }

  /** A tensor that has a shape and no values. */
  #placeholder(value: TracedValue): tfjs.Tensor {
    const dataId = {};
    this.#values.set(dataId, value);
    const info = { dataId, shape: [...value.shape], dtype: value.dtype };
    return this.tf.engine().makeTensorFromTensorInfo(info, this.#valueless);
  }

  #valueOf(tensor: tfjs.Tensor): TracedValue {
    const known = this.#values.get(tensor.dataId);
    const { dtype } = tensor;
    // A tensor shares its data with its reshaped and cast forms, so a constant is known by all three.
    if (known !== undefined && known.dtype === dtype && known.shape.join() === tensor.shape.join()) return known;
    if (dtype === 'string' || dtype === 'complex64') {
      throw this.#refuse(unsupported(`a tensor of ${dtype}`, [], currentPlace(this.path)));
    }
    const kept = this.tf.keep(this.tf.clone(tensor));
    this.constants.push(kept);
    const value: TracedValue = { kind: 'constant', shape: [...tensor.shape], dtype, tensor: kept };
    this.#values.set(tensor.dataId, value);
    return value;
  }

  #output(returned: unknown): TracedValue {
    const value = this.#values.get((returned as Partial<tfjs.Tensor> | undefined)?.dataId ?? {});
    if (value !== undefined && value.kind === 'computed') return value;
    const what =
      typeof (returned as { then?: unknown } | undefined)?.then === 'function'
        ? 'a promise'
        : value === undefined
          ? 'something that does not depend on the images'
          : 'the images themselves';
    throw new OnnxError(
      'ONNX_NOT_A_DENOISER',
      `\`predict\` returned ${what}, but has to return, synchronously, a tensor that it computed of the images.`,
    );
  }

  /** Throws at once, and again at the end for functions that catch what is thrown in them. */
  #refuse(error: OnnxError): OnnxError {
    this.#refusal ??= error;
    return error;
  }

  /** What TensorFlow.js takes for the engine of the placeholders. */
  readonly #valueless = {
    disposeData: () => true,
    incRef: () => undefined,
    decRef: () => true,
    refCount: () => 1,
    readSync: () => {
      throw this.#refuse(readsValues(currentPlace(this.path)));
    },
    read: () => Promise.reject(this.#refuse(readsValues(currentPlace(this.path)))),
  } as unknown as Backend;
}

/** Under this name the networks look for a recording: they look at no values then, and run kernels that all engines have. */
const recording = Symbol.for('@missing-u/recording');

/** Tells the networks that they are recorded. Returns what undoes it. */
function markRecording(engine: Engine): () => void {
  const marks = engine as unknown as Record<symbol, { plain: boolean } | undefined>;
  const before = marks[recording];
  marks[recording] = { plain: true };
  return () => {
    marks[recording] = before;
  };
}

function readsValues(place: Place): OnnxError {
  return new OnnxError(
    'ONNX_VALUE_DEPENDENT',
    `The function reads the values of a tensor at ${describePlace(place)}, so what it does depends on values, which a file ` +
      "cannot: use a solver with fixed steps (for a cU-Net `solver: { method: 'rk4' }`) instead of an adaptive one, and " +
      '`tf.where` instead of `if`.',
  );
}
