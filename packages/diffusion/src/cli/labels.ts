import { DiffusionError } from '../errors.ts';
import type { Denoiser } from '../contracts.ts';
import { labelsOf, nullLabelOf, takesLabels } from '../pipelines/labels.ts';

export interface LabelFlags {
  label?: number;
  guidance?: number;
}

/**
 * What a network is told of the class of its images. A conditional one that is told none is given the class that stood for hidden
 * labels in its training here, the last one: images of any class.
 *
 * @param model its name, for messages
 * @throws DiffusionError `DIFFUSION_BAD_LABELS`, `DIFFUSION_BAD_GUIDANCE`
 */
export function labelOptions(
  network: Denoiser,
  model: string,
  { label, guidance }: LabelFlags,
): { classLabels?: number; guidanceScale?: number } {
  if (label === undefined && guidance !== undefined) {
    const message = '--guidance is given without --label: it says how far a label pushes.';
    throw new DiffusionError('DIFFUSION_BAD_GUIDANCE', message);
  }
  if (!takesLabels(network)) {
    if (label === undefined) return {};
    const message = `--label is given, but \`${model}\` was not trained with labels: leave it out, or train with --class-conditioning.`;
    throw new DiffusionError('DIFFUSION_BAD_LABELS', message);
  }
  const classLabels = label ?? nullLabelOf(network);
  if (classLabels === undefined) {
    const message = `\`${model}\` has no class that stands for none: name one with --label.`;
    throw new DiffusionError('DIFFUSION_BAD_LABELS', message);
  }
  if (label === undefined) {
    const last = `class ${classLabels}, the last, which \`--class-conditioning\` trains to be any`;
    process.stderr.write(`${model}: without --label, ${last}\n`);
  }
  labelsOf(classLabels, 1, network);
  return { classLabels, ...(guidance !== undefined && { guidanceScale: guidance }) };
}
