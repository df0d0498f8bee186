import { SchedulerError, refuse } from '../errors.ts';
import { isTensor, type NumberArray, type TensorLike } from '../sample.ts';
import type { Arithmetic, Coefficient, StepRule, Term } from './arithmetic.ts';

/** What this package uses of TensorFlow.js' engine. */
interface Engine {
  runKernel(kernel: string, inputs: Record<string, TensorLike>, attributes?: Record<string, unknown>): unknown;
  makeTensor(values: Float32Array, shape: number[], dtype: 'float32'): TensorLike;
  tidy<T>(compute: () => T): T;
  keep<T>(tensor: T): T;
}

/**
 * TensorFlow.js keeps its one engine on the global object, so that several copies of the library in a program share it.
 * Reaching it there lets this package work on tensors without importing the library, so that it runs where it is absent.
 */
function currentEngine(): Engine {
  const engine = (globalThis as { _tfengine?: Engine })._tfengine;
  if (engine === undefined) {
    throw new SchedulerError(
      'SCHEDULER_NO_ENGINE',
      'A tensor was given, but no TensorFlow.js engine runs in this program.',
    );
  }
  return engine;
}

/** Arithmetic on TensorFlow.js tensors: the library's own kernels, so gradients flow and every backend works. */
export class TensorArithmetic implements Arithmetic<TensorLike> {
  readonly shape: readonly number[];
  readonly #engine = currentEngine();

  constructor(like: TensorLike) {
    this.shape = like.shape;
  }

  check(argument: string, tensor: TensorLike): void {
    if (isTensor(tensor) && tensor.shape.length === this.shape.length) {
      if (tensor.shape.every((side, axis) => side === this.shape[axis])) return;
    }
    const allowed = `a tensor of shape [${this.shape.join(', ')}], as \`sample\` is`;
    refuse({ argument, value: tensor, allowed });
  }

  combine(...terms: Term<TensorLike>[]): TensorLike {
    for (const [, tensor] of terms) this.check('a tensor of this step', tensor);
    return this.scope(() => terms.map(([c, x]) => this.#scale(c, x)).reduce((a, b) => this.#run('Add', { a, b })));
  }

  follow(
    rule: StepRule,
    sample: TensorLike,
    output: TensorLike,
    limit: number,
    added: readonly Term<TensorLike>[],
  ): { original: TensorLike; next: TensorLike } {
    // A coefficient of 0 must not cost an operation.
    const combine = (...terms: Term<TensorLike>[]) =>
      this.combine(...terms.filter(([coefficient]) => coefficient !== 0));
    const estimate = combine([rule.originalSample, sample], [rule.originalOutput, output]);
    const original = limit === Infinity ? estimate : this.clip(estimate, -limit, limit);
    const next = combine([rule.original, original], [rule.sample, sample], [rule.output, output], ...added);
    return { original, next };
  }

  multiply(a: TensorLike, b: TensorLike): TensorLike {
    return this.#run('Multiply', { a, b });
  }

  exp(x: TensorLike): TensorLike {
    return this.#run('Exp', { x });
  }

  sqrt(x: TensorLike): TensorLike {
    return this.#run('Sqrt', { x });
  }

  log(x: TensorLike): TensorLike {
    return this.#run('Log', { x });
  }

  tanh(x: TensorLike): TensorLike {
    return this.#run('Tanh', { x });
  }

  add(x: TensorLike, number: number): TensorLike {
    return this.scope(() => this.#run('Add', { a: x, b: this.#scalar(number) }));
  }

  below(x: TensorLike, number: number): TensorLike {
    return this.scope(() => {
      const less = this.#run('Less', { a: x, b: this.#scalar(number) });
      return this.#run('Cast', { x: less }, { dtype: 'float32' });
    });
  }

  itemMeans(x: TensorLike): TensorLike {
    const stride = x.size / this.shape[0]!;
    return this.scope(() => {
      const flat = this.#run('Reshape', { x }, { shape: [this.shape[0]!, stride] });
      const sum = this.#run('Sum', { x: flat }, { axis: [1], keepDims: false });
      return this.#run('Multiply', { a: sum, b: this.#scalar(1 / stride) });
    });
  }

  clip(x: TensorLike, low: number, high: number): TensorLike {
    return this.#run('ClipByValue', { x }, { clipValueMin: low, clipValueMax: high });
  }

  split(x: TensorLike): [TensorLike, TensorLike] {
    const begin = this.shape.map(() => 0);
    const half = (start: number) =>
      this.#run('Slice', { x }, { begin: [...begin.slice(1), start], size: [...this.shape] });
    return [half(0), half(this.shape.at(-1)!)];
  }

  from(values: NumberArray): TensorLike {
    return this.#engine.makeTensor(Float32Array.from(values), [...this.shape], 'float32');
  }

  values(x: TensorLike): ArrayLike<number> {
    return x.dataSync();
  }

  scope<T>(compute: () => T): T {
    return this.#engine.tidy(compute);
  }

  keep(x: TensorLike): TensorLike {
    return this.#engine.keep(this.#run('Identity', { x }));
  }

  release(x: TensorLike): void {
    x.dispose();
  }

  #scalar(value: number): TensorLike {
    return this.#engine.makeTensor(Float32Array.of(value), [], 'float32');
  }

  /** A coefficient of one costs nothing; a new tensor comes back all the same, since the caller owns results. */
  #scale(coefficient: Coefficient, x: TensorLike): TensorLike {
    if (coefficient === 1) return this.#run('Identity', { x });
    const shape = typeof coefficient === 'number' ? [] : [coefficient.length, ...x.shape.slice(1).map(() => 1)];
    const values = typeof coefficient === 'number' ? Float32Array.of(coefficient) : Float32Array.from(coefficient);
    return this.#run('Multiply', { a: x, b: this.#engine.makeTensor(values, shape, 'float32') });
  }

  #run(kernel: string, inputs: Record<string, TensorLike>, attributes?: Record<string, unknown>): TensorLike {
    return this.#engine.runKernel(kernel, inputs, attributes) as TensorLike;
  }
}
