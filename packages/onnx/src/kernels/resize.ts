import type { Emitter } from '../emit/emitter.ts';
import { channelsFirst } from '../emit/layout.ts';
import type { Step } from '../trace/graph.ts';
import { sides } from './geometry.ts';
import { input, output, type KernelRule, type Signatures } from './rule.ts';

/** Resized images, whose sizes are known while tracing. */
function resizing(write: (image: string, resizing: Resizing, emitter: Emitter) => string): KernelRule {
  return {
    infer: ({ images }: Signatures, { size }) => {
      const [height, width] = size as [number, number];
      return { shape: [images!.shape[0]!, height, width, images!.shape[3]!], dtype: 'float32' };
    },
    emit: (step, emitter) => {
      const images = input(step.inputs, 'images');
      const found = { lengths: sides(images), targets: sides(output(step)), coordinates: coordinatesOf(step) };
      emitter.define(output(step), write(emitter.read(images, channelsFirst), found, emitter), channelsFirst);
    },
  };
}

interface Resizing {
  /** Height and width, before and after. */
  readonly lengths: readonly [number, number];
  readonly targets: readonly [number, number];
  /** ONNX's word for where a pixel lies. */
  readonly coordinates: 'align_corners' | 'half_pixel' | 'asymmetric';
}

function coordinatesOf({ attributes: { alignCorners, halfPixelCenters } }: Step): Resizing['coordinates'] {
  return alignCorners === true ? 'align_corners' : halfPixelCenters === true ? 'half_pixel' : 'asymmetric';
}

export const bilinear = resizing((image, found, emitter) => emitResize(emitter, image, found, { mode: 'linear' }));

export const nearest = resizing((image, found, emitter) => {
  const { lengths, targets, coordinates } = found;
  const multiples = targets.every((target, axis) => target % lengths[axis]! === 0);
  if (coordinates === 'align_corners' || multiples) {
    // Without half pixels TensorFlow takes the pixel before; else the nearest, the later one of two equally near.
    const nearest_mode = coordinates === 'asymmetric' ? 'floor' : 'round_prefer_ceil';
    return emitResize(emitter, image, found, { mode: 'nearest', nearest_mode });
  }
  // At other sizes the runtime rounds its scales, and takes the pixel before the right one here and there.
  const shift = coordinates === 'half_pixel' ? 0.5 : 0;
  return targets.reduce((picked, target, axis) => {
    const length = lengths[axis]!;
    if (target === length) return picked;
    const indices = emitter.integers(nearestPixels(length, target, shift));
    return emitter.operator('Gather', [picked, indices], { axis: axis + 2 });
  }, image);
});

/** The pixels that TensorFlow takes along one axis, with its single precision. */
function nearestPixels(length: number, target: number, shift: number): number[] {
  const scale = Math.fround(length / target);
  return Array.from({ length: target }, (_, i) => Math.min(Math.floor(Math.fround((i + shift) * scale)), length - 1));
}

function emitResize(
  emitter: Emitter,
  image: string,
  { lengths, targets, coordinates }: Resizing,
  attributes: Record<string, string>,
): string {
  const scales = lengths.map((length, axis) => scaleOf(length, targets[axis]!));
  const inputs = [image, '', emitter.constant(Float32Array.of(1, 1, ...scales), [4], 'float32')];
  return emitter.operator('Resize', inputs, { ...attributes, coordinate_transformation_mode: coordinates });
}

/** A scale with which onnxruntime, which rounds down, comes to the wanted length. */
function scaleOf(length: number, target: number): number {
  let scale = Math.fround(target / length);
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  while (Math.floor(Math.fround(length * scale)) < target) {
    float[0] = scale;
    bits[0]!++;
    scale = float[0];
  }
  return scale;
}
