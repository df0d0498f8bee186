import { WeightsError } from '../errors.ts';
import { containers } from './containers.ts';
import { latin1 } from './latin1.ts';
import { operations } from './operations.ts';

/**
 * What a pickle may name: a constant, or something to call. Calling is the only way in which a pickle makes anything but
 * containers, so what is not on the list cannot happen.
 */
export type PickleGlobal = { readonly value: unknown } | ((...args: unknown[]) => unknown);

export interface UnpickleOptions {
  /** What the pickle may name besides Python's own containers, as `module.name`. */
  globals?: Readonly<Record<string, PickleGlobal>>;
  /** Finds what lies outside of the pickle (PyTorch's storages); without it, a pickle that refers to such is refused. */
  persistentLoad?: (id: unknown) => unknown;
}

/** An object that takes up a state: Python's `__setstate__`. */
export const setState: unique symbol = Symbol('setState');

/** A name on the stack that has been looked up. */
export class Named {
  constructor(
    readonly name: string,
    readonly call: (...args: unknown[]) => unknown,
  ) {}
}

const MARK = Symbol('mark');

/**
 * Reads a Python pickle (protocols 0 to 5) without the power to run code: it makes numbers, text, bytes and containers, and
 * calls only the functions on a list. Dicts become `Map`, lists and tuples arrays, sets `Set`, bytes `Uint8Array`, None
 * null, integers numbers (bigint where a number cannot hold them); Python 2's `str` is read as Latin-1 text.
 *
 * @throws WeightsError `WEIGHTS_UNSAFE_PICKLE` naming whatever is not on the list; `WEIGHTS_BAD_PICKLE` for a broken one.
 */
export function unpickle(bytes: Uint8Array, options: UnpickleOptions = {}): unknown {
  return unpickleAt(bytes, 0, options).value;
}

/** As `unpickle`, from an offset; also tells where the pickle ended. */
export function unpickleAt(
  bytes: Uint8Array,
  offset: number,
  options: UnpickleOptions = {},
): { value: unknown; end: number } {
  const machine = new PickleMachine(bytes, offset, options);
  try {
    return { value: machine.run(), end: machine.position };
  } catch (cause) {
    if (cause instanceof WeightsError) throw cause;
    throw machine.broken((cause as Error).message, cause);
  }
}

/** The stack machine for which pickles are programs. */
export class PickleMachine {
  position: number;
  stopped = false;
  readonly memo = new Map<number, unknown>();
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #options: UnpickleOptions;
  readonly #stack: unknown[] = [];

  constructor(bytes: Uint8Array, offset: number, options: UnpickleOptions) {
    this.position = offset;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#options = options;
  }

  run(): unknown {
    while (!this.stopped) {
      const at = this.position;
      const code = String.fromCharCode(this.uint(1));
      const operation = operations[code];
      if (operation === undefined)
        throw this.broken(`0x${code.charCodeAt(0).toString(16)} at byte ${at} is no operation`);
      operation(this);
    }
    return this.pop();
  }

  broken(what: string, cause?: unknown): WeightsError {
    return new WeightsError('WEIGHTS_BAD_PICKLE', `The pickle is broken near byte ${this.position}: ${what}.`, {
      cause,
    });
  }

  // Reading.

  take(length: number): Uint8Array {
    if (!(length >= 0 && length <= this.#bytes.length - this.position)) {
      throw this.broken(`it asks for ${length} bytes, and ${this.#bytes.length - this.position} are left; truncated?`);
    }
    this.position += length;
    return this.#bytes.subarray(this.position - length, this.position);
  }

  /** An unsigned little-endian integer of 1, 2, 4 or 8 bytes. */
  uint(bytes: 1 | 2 | 4 | 8): number {
    this.take(bytes);
    const at = this.position - bytes;
    if (bytes === 1) return this.#view.getUint8(at);
    if (bytes === 2) return this.#view.getUint16(at, true);
    if (bytes === 4) return this.#view.getUint32(at, true);
    return Number(this.#view.getBigUint64(at, true));
  }

  int32(): number {
    return this.uint(4) | 0;
  }

  float64(): number {
    this.take(8);
    return this.#view.getFloat64(this.position - 8, false);
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.position);
    if (end === -1) throw this.broken('a line has no end');
    const text = latin1(this.take(end - this.position));
    this.position++;
    return text;
  }

  utf8(length: number): string {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.take(length));
  }

  // The stack.

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    if (this.#stack.length === 0) throw this.broken('its stack is empty');
    const value = this.#stack.pop();
    if (value === MARK) throw this.broken('a mark is where a value should be');
    return value;
  }

  top(): unknown {
    const value = this.pop();
    this.push(value);
    return value;
  }

  mark(): void {
    this.#stack.push(MARK);
  }

  popToMark(): unknown[] {
    const at = this.#stack.lastIndexOf(MARK);
    if (at === -1) throw this.broken('a mark is missing');
    return this.#stack.splice(at).slice(1);
  }

  /** The POP operation may remove a mark as well as a value. */
  drop(): void {
    if (this.#stack.length === 0) throw this.broken('its stack is empty');
    this.#stack.pop();
  }

  // Naming and calling.

  find(name: string): unknown {
    const { globals = {} } = this.#options;
    const found = Object.hasOwn(globals, name)
      ? globals[name]
      : Object.hasOwn(containers, name)
        ? containers[name]
        : undefined;
    if (found === undefined) {
      throw new WeightsError(
        'WEIGHTS_UNSAFE_PICKLE',
        `The pickle asks for \`${name}\`, which is refused: only tensors, arrays and containers may be made, and no code is run. ` +
          'If you trust the file, save its tensors alone from Python (a state dict, or safetensors).',
      );
    }
    return typeof found === 'function' ? new Named(name, found) : found.value;
  }

  call(callee: unknown, args: unknown): unknown {
    if (!(callee instanceof Named)) throw this.broken('it calls something that is not a function');
    if (!Array.isArray(args)) throw this.broken(`it calls ${callee.name} without a tuple of arguments`);
    return callee.call(...(args as unknown[]));
  }

  persistent(id: unknown): unknown {
    if (this.#options.persistentLoad === undefined) throw this.broken('it refers to data outside of the pickle');
    return this.#options.persistentLoad(id);
  }

  build(target: unknown, state: unknown): void {
    if (typeof target === 'object' && target !== null && setState in target) {
      (target[setState] as (state: unknown) => void)(state);
    } else if (!(target instanceof Map)) {
      throw this.broken('it gives a state to something that has none');
    }
    // What is left are the attributes that Python keeps on an OrderedDict (a state dict's `_metadata`): a Map has no place for them.
  }
}
