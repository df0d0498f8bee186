import { DatasetError } from '../errors.ts';
import type { ImageShape } from '../image.ts';
import { counting } from '../pipeline/order.ts';
import { isFunction, type Step } from '../step.ts';
import { View } from '../view.ts';
import type { Recipe } from './encoded.ts';
import type { Labels, Source } from './source.ts';

/**
 * One view over several, one after the other. Where all have the same transforms, these become steps of the joined view, over
 * the joined sources, so that workers can still read and transform; otherwise each view becomes a source with its steps.
 *
 * @throws DatasetError `DATASETS_LABELS_DIFFER` where the labels are not of the same kind in all, `DATASETS_PAIRS_DIFFER` where
 *   only some are paired
 */
export function concatenate(views: readonly View[]): View {
  checkLabels(views);
  checkPairs(views);
  const steps = commonSteps(views);
  const parts = steps === undefined ? views.map(asPart) : views;
  const sources = [...new Set(parts.map(({ source }) => source))];
  const starts = startsOf(sources);
  const rows = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let done = 0;
  for (const part of parts) {
    const start = starts[sources.indexOf(part.source)]!;
    for (let i = 0; i < part.length; i++) rows[done++] = start + part.rowOf(i);
  }
  const pairs = parts.flatMap(({ paired }) => paired ?? []);
  return new View({
    source: joinSources(sources, starts),
    labels: joinLabels(sources.map((source) => parts.find((part) => part.source === source)!.labels)),
    rows,
    steps: steps ?? [],
    paired: pairs.length === 0 ? undefined : concatenate(pairs),
  });
}

/** A view as a source without steps. Its partners come with its examples, since its functions may change them. */
function asPart(view: View): View {
  const data = view.labelsOf(counting(view.length));
  const source: Source = {
    length: view.length,
    shape: view.steps.length === 0 ? view.source.shape : undefined,
    load: (row, epoch) => view.load(row, epoch),
    nameOf: (row) => view.nameOf(row),
    close: () => view.close(),
  };
  return new View({ source, labels: data && { ...view.labels!, data } });
}

/** The steps, if they are the same in all and none is a function, which may go by the position in its own data set. */
function commonSteps(views: readonly View[]): readonly Step[] | undefined {
  if (views.some(({ steps }) => steps.some(isFunction))) return undefined;
  const written = new Set(views.map(({ steps }) => JSON.stringify(steps)));
  return written.size === 1 ? views[0]!.steps : undefined;
}

function startsOf(sources: readonly Source[]): number[] {
  const starts = [0];
  for (const { length } of sources) starts.push(starts.at(-1)! + length);
  return starts;
}

function joinSources(sources: readonly Source[], starts: readonly number[]): Source {
  if (sources.length === 1) return sources[0]!;
  const find = (row: number): [source: Source, row: number] => {
    const which = sources.findIndex((_, i) => row < starts[i + 1]!);
    return [sources[which]!, row - starts[which]!];
  };
  const recipe = joinRecipes(sources.map((source) => source.recipe));
  return {
    length: starts.at(-1)!,
    shape: commonShape(sources),
    ...(recipe && { recipe }),
    ...(sources.every(({ peek }) => peek !== undefined) && {
      peek: (row: number) => {
        const [source, own] = find(row);
        return source.peek!(own);
      },
    }),
    load: (row, epoch) => {
      const [source, own] = find(row);
      return source.load(own, epoch);
    },
    nameOf: (row) => {
      const [source, own] = find(row);
      return source.nameOf(own);
    },
    close: async () => {
      for (const source of sources) await source.close();
    },
  };
}

function joinRecipes(recipes: readonly (Recipe | undefined)[]): Recipe | undefined {
  const known = recipes.filter((recipe) => recipe !== undefined);
  const channels = new Set(known.map((recipe) => recipe.channels));
  if (known.length < recipes.length || channels.size !== 1) return undefined;
  return { store: { kind: 'joined', parts: known.map(({ store }) => store) }, channels: known[0]!.channels };
}

function commonShape(sources: readonly Source[]): ImageShape | undefined {
  const shape = sources[0]?.shape;
  return sources.every((source) => source.shape?.join() === shape?.join()) ? shape : undefined;
}

function joinLabels(parts: readonly (Labels | undefined)[]): Labels | undefined {
  const first = parts[0];
  if (first === undefined || parts.length === 1) return first;
  const data = new Int32Array(parts.reduce((sum, part) => sum + part!.data.length, 0));
  let start = 0;
  for (const part of parts) {
    data.set(part!.data, start);
    start += part!.data.length;
  }
  return { ...first, data };
}

function checkLabels(views: readonly View[]): void {
  const kind = ({ labels }: View) => {
    if (labels === undefined) return 'none';
    return labels.names?.join() ?? (labels.width === 1 ? 'a class' : `${labels.width} numbers`);
  };
  const kinds = new Set(views.map(kind));
  if (kinds.size <= 1) return;
  throw new DatasetError(
    'DATASETS_LABELS_DIFFER',
    `concat needs labels of one kind, but was given: ${[...kinds].join('; ')}. Leave the labels out of all, or bring them ` +
      'to one kind before.',
  );
}

function checkPairs(views: readonly View[]): void {
  const paired = views.filter((view) => view.paired !== undefined).length;
  if (paired === 0 || paired === views.length) return;
  throw new DatasetError(
    'DATASETS_PAIRS_DIFFER',
    `concat needs data sets that are all paired by \`zip\`, or none, but ${paired} of the ${views.length} are; join each of the ` +
      'two sides first, and zip them then.',
  );
}
