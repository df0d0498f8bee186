import type { Example, Image } from './image.ts';
import { applyTransform, isTransform, resizeAndCrop, type Transform } from './transforms/index.ts';

/** A function of an example: it may change picture and label. May be asynchronous. */
export type ExampleFunction = (example: Example) => Example | Promise<Example>;

/** One step between a source and a batch: a built-in transform, which is plain data and can run in a worker, or a function. */
export type Step = Transform | ExampleFunction;

/** What a step may be, for messages. */
export const STEP = 'a built-in transform, like resize(64), or a function of an example';

export function isStep(value: unknown): value is Step {
  return typeof value === 'function' || isTransform(value);
}

export function isFunction(step: Step): step is ExampleFunction {
  return typeof step === 'function';
}

/** Runs the steps over one example. */
export async function runSteps(steps: readonly Step[], example: Example, epoch: number): Promise<Example> {
  let current = example;
  for (const step of steps) {
    if (isFunction(step)) {
      // The position is the data set's, whatever the function returns.
      current = { ...(await step(current)), index: example.index };
    } else {
      current = { ...current, image: applyTransform(step, current.image, { epoch, index: example.index }) };
    }
  }
  return current;
}

/** Runs built-in transforms over one picture. */
export function transformImage(steps: readonly Transform[], image: Image, epoch: number, index: number): Image {
  let current = image;
  for (let i = 0; i < steps.length; i++) {
    const joined = resizeAndCrop(steps[i]!, steps[i + 1], current);
    if (joined !== undefined) i++;
    current = joined ?? applyTransform(steps[i]!, current, { epoch, index });
  }
  return current;
}
