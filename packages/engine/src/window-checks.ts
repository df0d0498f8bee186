import { invalidArgument } from '@missing-u/errors';
import * as tf from '@tensorflow/tfjs-core';
import { replaceKernel } from './composed-kernel.ts';
import { EngineError } from './errors.ts';
import type { Pad } from './numeric-padding.ts';

const convolutions = ['Conv2D', 'FusedConv2D', 'DepthwiseConv2dNative', 'FusedDepthwiseConv2D', 'Conv3D', 'Dilation2D'];
const pools = ['MaxPool', 'AvgPool', 'MaxPoolWithArgmax', 'MaxPool3D', 'AvgPool3D'];

/** Spatial axes of the images whose kernels ignore `dimRoundingMode`, or take it for the shape of the result alone. */
const roundsDown: Record<string, readonly number[]> = { wasm: [2], tensorflow: [2, 3] };

type PerAxis = number | readonly number[];

interface WindowAttributes {
  strides: PerAxis;
  pad: Pad;
  dilations?: PerAxis | null;
  dataFormat?: string;
  dimRoundingMode?: 'floor' | 'round' | 'ceil' | null;
  filterSize?: PerAxis;
}

/**
 * Refuses windows that do not fit into their images, with padding: engines return numbers from memory that nobody wrote, or
 * break off so that they cannot be used any more. The same for pooling windows that hold padding only, and for sizes that an
 * engine rounds in another way than it was asked to.
 */
export function refuseImpossibleWindows(backendName: string): void {
  for (const name of [...convolutions, ...pools]) {
    const kernel = tf.getKernel(name, backendName) as tf.KernelConfig | undefined;
    if (kernel === undefined) continue;
    replaceKernel({
      ...kernel,
      kernelFunc: (args) => {
        const attributes = args.attrs as unknown as WindowAttributes;
        if (attributes.pad !== 'same') checkWindow(name, backendName, args.inputs, attributes);
        return kernel.kernelFunc(args);
      },
    });
  }
}

function checkWindow(
  name: string,
  backendName: string,
  { x, filter }: tf.NamedTensorInfoMap,
  { strides, pad, dilations, dataFormat, dimRoundingMode, filterSize }: WindowAttributes,
): void {
  const axes = x!.shape.length - 2;
  const first = dataFormat?.startsWith('NC') === true ? 2 : 1;
  const rounded = roundsDown[backendName]?.includes(axes) === true ? dimRoundingMode : undefined;
  for (let axis = 0; axis < axes; axis++) {
    const length = x!.shape[first + axis]!;
    const taps = filterSize === undefined ? filter!.shape[axis]! : at(filterSize, axis);
    const window = (taps - 1) * at(dilations ?? 1, axis) + 1;
    const [before, after] = paddingOf(pad, first + axis);
    const steps = (length + before + after - window) / at(strides, axis);
    if (steps < 0) throw tooSmall(calledWith(name, x!), first + axis, [length + before + after, window]);
    if (filterSize !== undefined && Math.max(before, after) >= window) throw onlyPadding(name, pad, window);
    if (rounded === 'ceil' || rounded === 'round') {
      if (Math[rounded](steps) !== Math.floor(steps)) throw otherRounding(calledWith(name, x!), backendName, rounded);
    }
  }
}

function at(value: PerAxis, axis: number): number {
  return typeof value === 'number' ? value : value[axis]!;
}

function paddingOf(pad: Pad, axis: number): readonly [before: number, after: number] {
  if (typeof pad === 'number') return [pad, pad];
  return typeof pad === 'string' ? [0, 0] : pad[axis]!;
}

/** The operation as it was called, which is what messages speak of. */
interface Called {
  name: string;
  shape: readonly number[];
  /** What the window moves along. */
  places: 'pixels' | 'entries';
  /** Axes of the images before those of its window that were not given. */
  added: number;
}

/** `tf.conv1d` hands on its sequences as images of one row. Only the operations that are under way tell, so asked for errors alone. */
function calledWith(name: string, { shape }: tf.TensorInfo): Called {
  const operations = tf.engine().state.scopeStack.filter((scope) => scope.name.endsWith('__op'));
  if (operations.at(-2)?.name !== 'conv1d__op') return { name, shape, places: 'pixels', added: 0 };
  return { name: 'Conv1D', shape: [shape[0]!, ...shape.slice(2)], places: 'entries', added: 1 };
}

function tooSmall(
  { name, shape, places, added }: Called,
  axis: number,
  [length, window]: [number, number],
): EngineError {
  const message = invalidArgument({
    argument: 'x',
    value: { shape },
    allowed: `of ${window} ${places} or more along axis ${axis - added} for the window of ${name}, padding included (it is ${length})`,
    remedy: "pad it (`'same'`), or take a smaller window",
  });
  return new EngineError('ENGINE_WINDOW', message);
}

function onlyPadding(name: string, pad: Pad, window: number): EngineError {
  const message = invalidArgument({
    argument: 'pad',
    value: pad,
    allowed: `less than the window of ${name}, which is ${window}, as windows of padding alone have no value`,
  });
  return new EngineError('ENGINE_WINDOW', message);
}

function otherRounding({ name }: Called, backendName: string, mode: string): EngineError {
  const message = invalidArgument({
    argument: 'dimRoundingMode',
    value: mode,
    allowed: `'floor' for ${name} on the backend '${backendName}' where the strides do not divide the image`,
    remedy: 'leave it out and pad the image as far as the strides need it',
  });
  return new EngineError('ENGINE_WINDOW', message);
}
