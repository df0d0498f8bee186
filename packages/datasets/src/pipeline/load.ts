import type { Example } from '../image.ts';
import type { View } from '../view.ts';
import { isFunction, runSteps } from '../step.ts';
import type { Transform } from '../transforms/index.ts';
import type { Task, TaskResult } from '../workers/task.ts';
import { ahead, DECODES_AHEAD } from './ahead.ts';
import type { RawBatch, Skipped } from './batch.ts';
import { collate, cannotBeDecoded } from './collate.ts';
import type { Recipe } from '../sources/encoded.ts';
import { sizeOf } from '../image.ts';
import type { Source } from '../sources/source.ts';
import { toFloats } from './convert.ts';
import type { Settings } from './options.ts';

/** Whoever reads and decodes away from this thread. */
export interface Helpers {
  run(recipe: Recipe, task: Task): Promise<TaskResult>;
}

export type LoadSettings = Pick<Settings, 'corrupt' | 'dtype' | 'range'>;

/** Loads the examples at these positions into one piece of memory. */
export async function loadBatch(
  view: View,
  indices: Uint32Array,
  epoch: number,
  settings: LoadSettings,
  helpers?: Helpers,
): Promise<RawBatch> {
  const { recipe } = view.source;
  if (helpers !== undefined && recipe !== undefined) {
    return loadWithHelpers(view, recipe, indices, epoch, settings, helpers);
  }
  const { source } = view;
  if (view.steps.length === 0 && source.gather !== undefined && source.shape !== undefined) {
    const images = gatherInto(source, indices.length * sizeOf(source.shape), view.rowsOf(indices), settings);
    const paired = view.paired && (await loadBatch(view.paired, indices, epoch, settings, helpers));
    return withPartners({ images, shape: source.shape, indices, ...withLabels(view, indices) }, paired, view);
  }
  const examples: Example[] = [];
  const skipped: Skipped[] = [];
  // Functions may keep something from one example to the next: those are called one at a time.
  const count = callsFunctions(view) ? 1 : DECODES_AHEAD;
  for await (const [index, outcome] of ahead(indices, count, (index) => view.load(index, epoch))) {
    if ('result' in outcome) {
      examples.push(outcome.result);
      continue;
    }
    if (settings.corrupt === 'throw' || !cannotBeDecoded(outcome.error)) throw outcome.error;
    skipped.push({ index, name: view.nameOf(index), reason: outcome.error.message });
  }
  return { ...collate(examples, (index) => view.nameOf(index)), ...(skipped.length > 0 && { skipped }) };
}

function callsFunctions({ steps, paired }: View): boolean {
  return steps.some(isFunction) || (paired !== undefined && callsFunctions(paired));
}

/** Where bytes wait to become floats: memory that the processor's caches know already, other than fresh memory. */
let scratch = new Uint8Array(0);

function gatherInto({ gather }: Source, size: number, rows: Uint32Array, { dtype, range }: LoadSettings) {
  const images = dtype === 'uint8' ? new Uint8Array(size) : scratchOf(size);
  gather!(rows, images);
  return dtype === 'uint8' ? images : toFloats(images, range);
}

function scratchOf(size: number): Uint8Array {
  if (scratch.length < size) scratch = new Uint8Array(size);
  return scratch.subarray(0, size);
}

/** Helpers do the built-in transforms up to the first function; functions stay on this thread. */
async function loadWithHelpers(
  view: View,
  recipe: Recipe,
  indices: Uint32Array,
  epoch: number,
  settings: LoadSettings,
  helpers: Helpers,
): Promise<RawBatch> {
  const firstFunction = view.steps.findIndex(isFunction);
  const split = firstFunction === -1 ? view.steps.length : firstFunction;
  const rest = view.steps.slice(split);
  const { skipped, ...loaded } = await helpers.run(recipe, {
    rows: view.rowsOf(indices),
    names: Array.from(indices, (index) => view.nameOf(index)),
    indices,
    epoch,
    steps: view.steps.slice(0, split) as Transform[],
    corrupt: settings.corrupt,
    range: settings.dtype === 'float32' && rest.length === 0 ? settings.range : null,
  });
  const kept = loaded.indices;
  const paired = view.paired && (await loadBatch(view.paired, kept, epoch, settings, helpers));
  const own: RawBatch = { ...loaded, ...withLabels(view, kept), ...(skipped.length > 0 && { skipped }) };
  const { skipped: lost, ...batch } = withPartners(own, paired, view);
  if (rest.length === 0) return { ...batch, ...(lost && { skipped: lost }) };
  const examples = await Promise.all(apart(batch).map((example) => runSteps(rest, example, epoch)));
  return { ...collate(examples, (index) => view.nameOf(index)), ...(lost && { skipped: lost }) };
}

/** A batch with its partners; where some of these were left out as corrupt, their examples are left out too. */
function withPartners(batch: RawBatch, paired: RawBatch | undefined, view: View): RawBatch {
  if (paired === undefined) return batch;
  if (paired.skipped === undefined) return { ...batch, paired };
  const partners = new Map(apart(paired).map((partner) => [partner.index, partner]));
  const examples = apart(batch).flatMap((example) => {
    const partner = partners.get(example.index);
    return partner === undefined ? [] : [{ ...example, paired: partner }];
  });
  const skipped = [...(batch.skipped ?? []), ...paired.skipped];
  return { ...collate(examples, (index) => view.nameOf(index)), skipped };
}

function withLabels(view: View, indices: Uint32Array): { labels?: Int32Array } {
  const labels = view.labelsOf(indices);
  return labels === undefined ? {} : { labels };
}

/** The examples of a batch, one by one. */
function apart({ images, shape, indices, labels, paired }: RawBatch): Example[] {
  const size = sizeOf(shape);
  const width = labels === undefined ? 0 : labels.length / indices.length;
  const partners = paired && apart(paired);
  return Array.from(indices, (index, i) => ({
    image: { data: images.subarray(i * size, (i + 1) * size), shape },
    index,
    ...(labels && { label: width === 1 ? labels[i]! : labels.slice(i * width, (i + 1) * width) }),
    ...(partners && { paired: partners[i]! }),
  }));
}
