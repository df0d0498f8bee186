import { didYouMean } from '@missing-u/errors';
import { OnnxError } from '../errors.ts';
import { describePlace, type Place } from './graph.ts';

/** A kernel, or a type of tensor, that nothing is known of. */
export function unsupported(name: string, known: readonly string[], place: Place): OnnxError {
  const near = didYouMean(name, known);
  const hint = near === undefined ? '' : ` (${near} has one)`;
  return new OnnxError(
    'ONNX_UNSUPPORTED_KERNEL',
    `The kernel ${name} at ${describePlace(place)} has no translation to ONNX${hint}; compute this part with other ` +
      'operations, or outside the exported function.',
  );
}

/** A kernel whose rule gave up on these tensors or attributes. */
export function unsupportedForm(kernel: string, place: Place, cause: unknown): OnnxError {
  return new OnnxError(
    'ONNX_UNSUPPORTED_KERNEL',
    `The kernel ${kernel} at ${describePlace(place)} has no translation to ONNX in this form ` +
      `(${(cause as Error).message}); compute this part with other operations.`,
    { cause },
  );
}
