import { platform } from '#platform';
import { invalidArgument, unknownName } from '@missing-u/errors';
import type * as tf from '@tensorflow/tfjs-core';
import { OnnxError } from '../errors.ts';
import { invalidFile, readModel, type ModelInfo, type PortInfo } from '../model/read.ts';
import { checkObject, isRecord, plainName, timesLength } from '../options.ts';
import { loadTensorFlow } from '../tensorflow.ts';
import { elements, toFloats } from './elements.ts';
import { toChannelsFirst, toChannelsLast, type Images } from './images.ts';
import { inParts, joined, type Condition, type Request } from './parts.ts';
import { findPorts, type ImageLayout, type Ports } from './ports.ts';
import type { OnnxRuntime, OnnxSession, WasmPaths } from './runtime.ts';
import { createSession, loadRuntime, providersOf } from './session.ts';

/** Options of `OnnxDenoiser.load`. */
export interface LoadOptions {
  /**
   * What runs the model, the first one that can: `cpu`, `cuda`, `dml`, `coreml`, `webgpu` in Node, `wasm`, `webgpu` in
   * browsers. Default `cpu` or `wasm`.
   */
  providers?: readonly string[];
  /**
   * Threads of a call; default the runtime's own choice, all cores. Browsers have them only in pages that are cross-origin
   * isolated; elsewhere one thread computes. There the first model that is loaded settles the number for all.
   */
  threads?: number;
  /** Where a page has the runtime's `.wasm` file; default beside the script that holds the runtime. */
  wasmPaths?: WasmPaths;
  /** The runtime to use instead of the platform's: for example `await import('onnxruntime-web/webgpu')`. */
  runtime?: OnnxRuntime;
  /** Where the channels are, for a foreign model whose shapes do not show it. */
  layout?: ImageLayout;
  /** Weights that lie outside of a model given as bytes, by the names of their files. */
  externalData?: Readonly<Record<string, Uint8Array>>;
  /** Further options of the runtime's `InferenceSession.create`. */
  sessionOptions?: Readonly<Record<string, unknown>>;
}

/** Diffusion times: one number for all images, or one per image. */
export type Times = number | ArrayLike<number> | tf.Tensor1D | tf.Scalar;

/** Further inputs of a model, by name: numbers, or a tensor. `classLabels` and `class_labels` are the same name. */
export type Conditions = Readonly<Record<string, ArrayLike<number> | tf.Tensor | Images>>;

/**
 * A denoiser that onnxruntime runs: a file of `toOnnx`, or an ONNX U-Net of someone else that takes images and times.
 * TensorFlow.js is needed only where tensors are given.
 */
export class OnnxDenoiser {
  /** What the file says about itself; `toOnnx` documents the keys. */
  readonly metadata: Readonly<Record<string, string>>;
  /** [height, width] of the images, where the model takes one size only. */
  readonly imageSize: readonly [number, number] | undefined;
  /** Channels of the images, where the model says so. */
  readonly channels: number | undefined;

  #disposed = false;

  private constructor(
    private readonly session: OnnxSession,
    private readonly runtime: OnnxRuntime,
    private readonly ports: Ports,
    { metadata }: ModelInfo,
  ) {
    const [, height, width, channels] = channelsLast(ports.sample.dims, ports.layout);
    this.metadata = Object.freeze({ ...metadata });
    this.imageSize = typeof height === 'number' && typeof width === 'number' ? [height, width] : undefined;
    this.channels = typeof channels === 'number' ? channels : undefined;
  }

  /**
   * @param model the bytes of a file, or its path (Node) or address
   * @throws OnnxError `ONNX_INVALID_FILE`, `ONNX_NOT_A_DENOISER`, `ONNX_NO_RUNTIME`, `ONNX_PROVIDER`, `ONNX_OPTION`
   */
  static async load(model: Uint8Array | ArrayBuffer | string | URL, options: LoadOptions = {}): Promise<OnnxDenoiser> {
    checkOptions(options);
    const providers = options.providers ?? [platform.defaultProvider];
    const runtime = options.runtime ?? (await loadRuntime(providers));
    const found = providersOf(runtime, providers);
    const { bytes, path, name } = await readSource(model);
    const info = readModel(bytes, name);
    const ports = findPorts(info, name, options.layout);
    const external = Object.entries(options.externalData ?? {}).map(([file, data]) => ({ path: file, data }));
    setUpWasm(runtime, options);
    const settings = {
      graphOptimizationLevel: 'all',
      ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
      ...(external.length > 0 && { externalData: external }),
      ...options.sessionOptions,
    };
    try {
      // By its path, a model finds the weights that lie beside it.
      const session = await createSession(runtime, path ?? bytes, found, settings);
      return new OnnxDenoiser(session, runtime, ports, info);
    } catch (cause) {
      if (cause instanceof OnnxError) throw cause;
      const { message } = cause as Error;
      const option = refusedOption(cause, options.sessionOptions);
      if (option === undefined) throw invalidFile(name, `onnxruntime refuses it (${message})`, cause);
      throw new OnnxError('ONNX_OPTION', `onnxruntime refuses \`sessionOptions.${option}\`: ${message}.`, { cause });
    }
  }

  /** What the model predicts, where the file says it: `epsilon`, `sample`, `v_prediction`. */
  get predictionType(): string | undefined {
    return this.metadata['prediction_type'];
  }

  /** The config of the scheduler that belongs to the model, where the file has it. */
  get schedulerConfig(): Readonly<Record<string, unknown>> | undefined {
    const text = this.metadata['scheduler_config'];
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as Record<string, unknown>;
    } catch (cause) {
      const message = `The metadata \`scheduler_config\` of the file is no JSON (${(cause as Error).message}): export it again.`;
      throw new OnnxError('ONNX_INVALID_FILE', message, { cause });
    }
  }

  /**
   * The prediction for noisy images, channels last, of the kind of what is given: a tensor for a tensor, which the caller
   * disposes; an array for an array. A model that takes one number of images only is called as often as they need.
   *
   * @param sample [N, H, W, C], or its numbers where the model takes one size only
   * @throws OnnxError `ONNX_INPUT`
   */
  predict(sample: tf.Tensor4D, timesteps: Times, conditions?: Conditions): Promise<tf.Tensor4D>;
  predict(sample: Float32Array, timesteps: Times, conditions?: Conditions): Promise<Float32Array<ArrayBuffer>>;
  predict(sample: Images, timesteps: Times, conditions?: Conditions): Promise<Images>;
  async predict(
    sample: tf.Tensor4D | Float32Array | Images,
    timesteps: Times,
    conditions: Conditions = {},
  ): Promise<tf.Tensor4D | Float32Array | Images> {
    const images = await this.#images(sample);
    const n = images.shape[0]!;
    const times = await timeNumbers(timesteps);
    if (times.length !== 1 && times.length !== n) refuse('timesteps', times, `one number, or one per image (${n})`);
    const result = await this.#answer({ images, times, conditions: await this.#conditions(conditions, n) });
    if (isTensor(sample)) return (await loadTensorFlow()).tensor4d(result.data, result.shape as tf.Tensor4D['shape']);
    return sample instanceof Float32Array ? result.data : result;
  }

  /** Frees the model. It cannot be used afterwards. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.session.release();
  }

  async #answer(request: Request) {
    const n = request.images.shape[0]!;
    const batch = this.ports.sample.dims[0];
    if (typeof batch !== 'number' || batch === n) return this.#run(request);
    const answers: Images[] = [];
    for (const part of inParts(request, batch)) answers.push(await this.#run(part));
    return joined(answers, n);
  }

  async #run({ images, times, conditions }: Request) {
    const { sample, timestep, output, layout } = this.ports;
    const inputs = Object.fromEntries([
      [sample.name, this.#arranged({ ...images, port: sample })],
      [timestep.name, this.#times(times, images.shape[0]!)],
      ...conditions.map((condition) => [condition.port.name, this.#arranged(condition)] as const),
    ]);
    let results;
    try {
      results = await this.session.run(inputs as never);
    } catch (cause) {
      throw new OnnxError('ONNX_RUN', `onnxruntime cannot run the model: ${(cause as Error).message}`, { cause });
    } finally {
      for (const tensor of Object.values(inputs)) tensor.dispose?.();
    }
    const result = results[output.name]!;
    const numbers = toFloats(result.type, (await result.getData?.()) ?? result.data);
    const dims = channelsLast([...result.dims], layout) as number[];
    const last = layout === 'NCHW' ? toChannelsLast(numbers, dims) : numbers.slice();
    for (const tensor of Object.values(results)) tensor.dispose?.();
    return { data: last, shape: dims };
  }

  #tensor({ type }: PortInfo, numbers: Float32Array, dims: readonly number[]) {
    const { name, from } = elements.get(type)!;
    return new this.runtime.Tensor(name as never, from(numbers) as never, dims);
  }

  /** Images and what has their form in the layout of the model, anything else as it is. */
  #arranged({ port, data, shape }: Condition) {
    if (port.dims.length !== 4 || this.ports.layout === 'NHWC') return this.#tensor(port, data, shape);
    const [n, h, w, c] = shape as [number, number, number, number];
    return this.#tensor(port, toChannelsFirst(data, shape), [n, c, h, w]);
  }

  #times(times: readonly number[], images: number) {
    const { timestep } = this.ports;
    const [length] = timestep.dims;
    const equal = times.every((time) => time === times[0]);
    if (length === undefined || length === 1) {
      if (!equal) refuse('timesteps', times, 'the same number for all images: this model takes one only');
      return this.#tensor(timestep, Float32Array.of(times[0]!), length === undefined ? [] : [1]);
    }
    // Our own files repeat one time themselves; others join it with what they are given for each image.
    const wanted = typeof length === 'number' ? length : equal && length === timesLength ? 1 : images;
    const numbers = times.length === 1 || equal ? new Array<number>(wanted).fill(times[0]!) : times;
    return this.#tensor(timestep, Float32Array.from(numbers), [numbers.length]);
  }

  async #conditions(conditions: Conditions, images: number): Promise<Condition[]> {
    if (!isRecord(conditions)) refuse('conditions', conditions, 'an object with the numbers of each by its name');
    const ports = new Map(this.ports.conditions.map((port) => [plainName(port.name), port]));
    for (const name of Object.keys(conditions)) {
      if (ports.has(plainName(name))) continue;
      const known = this.ports.conditions.map((port) => port.name);
      const message =
        known.length === 0
          ? `The model takes no conditions, but \`${name}\` was given.`
          : unknownName('condition', name, known);
      throw new OnnxError('ONNX_INPUT', message);
    }
    const given = new Map(Object.entries(conditions).map(([name, value]) => [plainName(name), value]));
    const entries = [...ports].map(async ([key, port]) => {
      const value = given.get(key);
      if (value === undefined) {
        throw new OnnxError(
          'ONNX_INPUT',
          `The model needs the condition \`${port.name}\` [${port.dims.join(', ')}]: give it as the third argument.`,
        );
      }
      return this.#condition(port, value, images);
    });
    return Promise.all(entries);
  }

  async #condition(port: PortInfo, value: Conditions[string], images: number): Promise<Condition> {
    const dims = port.dims.length === 4 ? channelsLast(port.dims, this.ports.layout) : port.dims;
    // What has a row for each image of a call has one for each of all; where calls take one image, a row may be for all.
    const perImage = typeof dims[0] === 'number' && dims[0] === this.ports.sample.dims[0];
    const rows = perImage ? [images, ...dims.slice(1)] : dims;
    const allowed = `numbers of shape [${rows.join(', ')}] for ${images} images`;
    if (typeof value !== 'object' || value === null) refuse(`conditions.${port.name}`, value, allowed);
    const floats = Float32Array.from(isTensor(value) ? await value.data() : 'data' in value ? value.data : value);
    const single = dims[0] === 1 && floats.length === dims.reduce((product: number, dim) => product * Number(dim), 1);
    const wanted = single ? dims : rows;
    const shape =
      'shape' in value
        ? value.shape
        : wanted.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? images : -1));
    const fits =
      shape.length === wanted.length &&
      shape.every((length, i) => typeof wanted[i] !== 'number' || wanted[i] === length);
    if (!fits || floats.length !== shape.reduce((a, b) => a * b, 1)) {
      refuse(`conditions.${port.name}`, value, allowed);
    }
    if (elements.get(port.type)!.whole && !floats.every(Number.isInteger))
      refuse(`conditions.${port.name}`, value, 'whole numbers');
    return { port, data: floats, shape };
  }

  /** The images as numbers, checked against what the model takes. */
  async #images(sample: tf.Tensor4D | Float32Array | Images): Promise<Images> {
    const { imageSize, channels } = this;
    const [batch, ...dims] = channelsLast(this.ports.sample.dims, this.ports.layout);
    const allowed = `images [N, ${dims.map((dim, axis) => (typeof dim === 'number' ? dim : 'HWC'[axis])).join(', ')}], float32`;
    if (sample instanceof Float32Array) {
      if (imageSize === undefined || channels === undefined) {
        refuse(
          'sample',
          sample,
          'given with its shape, as { data, shape }, because the model takes images of several sizes',
        );
      }
      const size = imageSize[0] * imageSize[1] * channels;
      if (sample.length === 0 || sample.length % size !== 0)
        refuse('sample', sample, `${allowed}: ${size} numbers per image`);
      return this.#images({ data: sample, shape: [sample.length / size, ...imageSize, channels] });
    }
    if (!Array.isArray((sample as Partial<Images> | null)?.shape)) refuse('sample', sample, allowed);
    const { shape } = sample;
    const fits =
      shape.length === 4 &&
      (shape[0] > 0 || typeof batch !== 'number') &&
      dims.every((dim, axis) => typeof dim !== 'number' || dim === shape[axis + 1]);
    if (!fits) {
      const remedy = 'resize the images, or export the model for this size';
      throw new OnnxError('ONNX_INPUT', invalidArgument({ argument: 'sample', value: sample, allowed, remedy }));
    }
    const data = isTensor(sample) ? await sample.data() : sample.data;
    if (!(data instanceof Float32Array) || data.length !== shape.reduce((a, b) => a * b, 1))
      refuse('sample', sample, allowed);
    return { data, shape };
  }
}

const optionNames = Object.keys({
  providers: true,
  threads: true,
  wasmPaths: true,
  runtime: true,
  layout: true,
  externalData: true,
  sessionOptions: true,
} satisfies Record<keyof LoadOptions, true>);

function checkOptions(options: LoadOptions): void {
  checkObject(options);
  const { threads, layout, providers } = options;
  for (const key of Object.keys(options)) {
    if (!optionNames.includes(key)) throw new OnnxError('ONNX_OPTION', unknownName('option', key, optionNames));
  }
  const bad = (argument: string, value: unknown, allowed: string) => {
    throw new OnnxError('ONNX_OPTION', invalidArgument({ argument, value, allowed }));
  };
  if (providers !== undefined && !(Array.isArray(providers) && providers.every((name) => typeof name === 'string')))
    bad('providers', providers, "a list of names, such as ['cpu']");
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1))
    bad('threads', threads, 'a whole number of 1 or more');
  if (layout !== undefined && layout !== 'NCHW' && layout !== 'NHWC') bad('layout', layout, "'NCHW' or 'NHWC'");
}

function setUpWasm({ env }: OnnxRuntime, { threads, wasmPaths }: LoadOptions): void {
  if (env?.wasm === undefined) return;
  // A runtime that is asked for threads where there cannot be any takes one, and warns.
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false;
  if (threads !== undefined) env.wasm.numThreads = isolated ? threads : 1;
  if (wasmPaths !== undefined) env.wasm.wasmPaths = wasmPaths;
}

/** The option of the runtime that it refuses, if that is what failed. */
function refusedOption(cause: unknown, settings: Readonly<Record<string, unknown>> = {}): string | undefined {
  if (!(cause instanceof TypeError) && !(cause instanceof RangeError)) return undefined;
  return Object.keys(settings).find((name) => cause.message.includes(name));
}

/** The bytes of a model and, where it is a local file, its path. */
async function readSource(
  model: Uint8Array | ArrayBuffer | string | URL,
): Promise<{ bytes: Uint8Array; path?: string; name: string }> {
  if (model instanceof Uint8Array) return { bytes: model, name: 'What was given' };
  if (model instanceof ArrayBuffer) return { bytes: new Uint8Array(model), name: 'What was given' };
  if (typeof model !== 'string' && !(model instanceof URL)) {
    const allowed = 'the bytes of an ONNX file, or its path or address';
    throw new OnnxError('ONNX_OPTION', invalidArgument({ argument: 'model', value: model, allowed }));
  }
  const text = String(model);
  try {
    if (platform.readFile !== undefined && !/^https?:/.test(text)) {
      const path = text.startsWith('file:') ? new URL(text) : text;
      const bytes = await platform.readFile(path);
      return { bytes, path: path instanceof URL ? decodeURIComponent(path.pathname) : path, name: text };
    }
    const response = await fetch(text);
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    return { bytes: new Uint8Array(await response.arrayBuffer()), name: text };
  } catch (cause) {
    throw invalidFile(text, `it cannot be read (${(cause as Error).message})`, cause);
  }
}

async function timeNumbers(timesteps: Times): Promise<number[]> {
  if (typeof timesteps !== 'number' && (typeof timesteps !== 'object' || (timesteps as unknown) === null))
    refuse('timesteps', timesteps, 'a number, a list of numbers or a tensor');
  const numbers =
    typeof timesteps === 'number' ? [timesteps] : Array.from(isTensor(timesteps) ? await timesteps.data() : timesteps);
  if (numbers.length === 0 || !numbers.every(Number.isFinite)) refuse('timesteps', timesteps, 'finite numbers');
  return numbers;
}

/** Of a shape in the layout of a model. */
function channelsLast<T>([n, a, b, c]: readonly T[], layout: ImageLayout): [T, T, T, T] {
  return layout === 'NCHW' ? [n!, b!, c!, a!] : [n!, a!, b!, c!];
}

function isTensor(value: unknown): value is tf.Tensor {
  return typeof value === 'object' && value !== null && 'dataSync' in value && 'shape' in value;
}

function refuse(argument: string, value: unknown, allowed: string): never {
  throw new OnnxError('ONNX_INPUT', invalidArgument({ argument, value, allowed }));
}
