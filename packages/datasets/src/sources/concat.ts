import { DatasetError } from '../errors.ts';
import type { ImageShape } from '../image.ts';
import { counting } from '../pipeline/order.ts';
import { View } from '../view.ts';
import type { Labels } from './source.ts';

/**
 * One view over several, one after the other.
 *
 * @throws DatasetError `DATASETS_LABELS_DIFFER` where the labels are not of the same kind in all
 */
export function concatenate(views: readonly View[]): View {
  const starts = [0];
  for (const view of views) starts.push(starts.at(-1)! + view.length);
  const find = (row: number): [view: View, index: number] => {
    const which = starts.findIndex((_, i) => row < starts[i + 1]!);
    return [views[which]!, row - starts[which]!];
  };
  const inMemory = views.every((view) => view.steps.length === 0 && view.source.peek !== undefined);
  const source = {
    length: starts.at(-1)!,
    shape: commonShape(views),
    ...(inMemory && {
      peek: (row: number) => {
        const [view, index] = find(row);
        return view.peek(index)!;
      },
    }),
    load: (row: number, epoch: number) => {
      const [view, index] = find(row);
      return view.load(index, epoch);
    },
    nameOf: (row: number) => {
      const [view, index] = find(row);
      return view.nameOf(index);
    },
    close: async () => {
      for (const view of views) await view.close();
    },
  };
  return new View({ source, labels: joinLabels(views) });
}

function commonShape(views: readonly View[]): ImageShape | undefined {
  const shape = views[0]?.source.shape;
  const same = views.every((view) => view.steps.length === 0 && view.source.shape?.join() === shape?.join());
  return same ? shape : undefined;
}

function joinLabels(views: readonly View[]): Labels | undefined {
  const kind = ({ labels }: View) => (labels === undefined ? 'none' : (labels.names?.join() ?? 'a class'));
  const kinds = new Set(views.map(kind));
  if (kinds.size > 1) {
    throw new DatasetError(
      'DATASETS_LABELS_DIFFER',
      `concat needs labels of one kind, but was given: ${[...kinds].join('; ')}. Leave the labels out of all, or bring them ` +
        'to one kind before.',
    );
  }
  const first = views[0]?.labels;
  if (first === undefined) return undefined;
  const parts = views.map((view) => view.labelsOf(counting(view.length))!);
  const data = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let start = 0;
  for (const part of parts) {
    data.set(part, start);
    start += part.length;
  }
  return { ...first, data };
}
