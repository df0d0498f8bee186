import { invalidArgument } from '@missing-u/errors';
import type { Denoiser } from '../contracts.ts';
import { DiffusionError } from '../errors.ts';

/** What a network says of the classes of its images, in diffusers' names. */
interface LabelConfig {
  num_class_embeds?: number | null;
  class_embed_type?: string | null;
}

/** Whether a network says that it was made for class labels. */
export function takesLabels(denoiser: Denoiser): boolean {
  const { num_class_embeds, class_embed_type } = configOf(denoiser);
  return (num_class_embeds ?? class_embed_type ?? null) !== null;
}

/** The last class of a conditional network, which by convention stands for hidden labels. */
export function nullLabelOf(denoiser: Denoiser): number | undefined {
  const count = classesOf(denoiser);
  return count === undefined ? undefined : count - 1;
}

/**
 * One class per image, where there are classes.
 *
 * @throws DiffusionError `DIFFUSION_BAD_LABELS`
 */
export function labelsOf(
  labels: number | readonly number[] | undefined,
  count: number,
  denoiser: Denoiser,
  argument: 'classLabels' | 'nullLabel' = 'classLabels',
): readonly number[] | undefined {
  if (labels === undefined) return undefined;
  const classes = classesOf(denoiser) ?? Infinity;
  const list = typeof labels === 'number' ? new Array<number>(count).fill(labels) : labels;
  const isClass = (label: number) => Number.isInteger(label) && label >= 0 && label < classes;
  if (list.length === count && list.every(isClass)) return list;
  const range = classes === Infinity ? 'of 0 or more' : `from 0 to ${classes - 1}`;
  const lists = argument === 'nullLabel' ? '' : `, or a list of ${count}, one per image`;
  const allowed = `an integer ${range}${lists}`;
  throw new DiffusionError('DIFFUSION_BAD_LABELS', invalidArgument({ argument, value: labels, allowed }));
}

/** The labels of part of a set of images, as an option. */
export function labelsOfChunk(
  classLabels: number | readonly number[] | undefined,
  first: number,
  count: number,
): { classLabels?: number | readonly number[] } {
  if (classLabels === undefined) return {};
  return { classLabels: typeof classLabels === 'number' ? classLabels : classLabels.slice(first, first + count) };
}

/** The inputs of an exported network besides images and times: one class number per image, where it takes classes. */
export function exportConditions(denoiser: Denoiser): { classLabels?: object } {
  return takesLabels(denoiser) ? { classLabels: {} } : {};
}

/** How many classes a network knows, where they are numbers with a weight each. */
function classesOf(denoiser: Denoiser): number | undefined {
  const { num_class_embeds: count, class_embed_type: type } = configOf(denoiser);
  return typeof count === 'number' && (type ?? null) === null ? count : undefined;
}

/** Exported networks have their configuration in the file, as text. */
function configOf(denoiser: Denoiser): LabelConfig {
  const { config, metadata } = denoiser as { config?: LabelConfig; metadata?: { network_config?: string } };
  if (config !== undefined) return config;
  return metadata?.network_config === undefined ? {} : (JSON.parse(metadata.network_config) as LabelConfig);
}
