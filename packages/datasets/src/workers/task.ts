import { ahead, DECODES_AHEAD } from '../pipeline/ahead.ts';
import { toFloats, type Range } from '../pipeline/convert.ts';
import { collate, cannotBeDecoded } from '../pipeline/collate.ts';
import type { Skipped } from '../pipeline/batch.ts';
import { decodeImage } from '../decode/decode.ts';
import type { Example, ImageShape } from '../image.ts';
import type { Recipe } from '../sources/encoded.ts';
import type { Store } from '../sources/store.ts';
import { transformImage } from '../step.ts';
import type { Transform } from '../transforms/index.ts';

/** One batch's worth of reading, decoding and transforming. */
export interface Task {
  readonly rows: Uint32Array;
  readonly names: readonly string[];
  readonly indices: Uint32Array;
  readonly epoch: number;
  readonly steps: readonly Transform[];
  readonly corrupt: 'throw' | 'skip';
  /** Scale bytes to this range; null leaves them bytes. */
  readonly range: Range | null;
}

/** A batch without labels: what a worker sends back. */
export interface TaskResult {
  readonly images: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  readonly shape: ImageShape;
  readonly indices: Uint32Array;
  readonly skipped: readonly Skipped[];
}

export async function runTask(store: Store, channels: Recipe['channels'], task: Task): Promise<TaskResult> {
  const examples: Example[] = [];
  const skipped: Skipped[] = [];
  const nameOf = (index: number) => task.names[task.indices.indexOf(index)] ?? '';
  const rows = task.indices.keys();
  const read = async (i: number) => decodeImage(store.read(task.rows[i]!), task.names[i]!, channels);
  for await (const [i, outcome] of ahead(rows, DECODES_AHEAD, read)) {
    const index = task.indices[i]!;
    if ('result' in outcome) {
      examples.push({ image: transformImage(task.steps, outcome.result, task.epoch, index), index });
      continue;
    }
    if (task.corrupt === 'throw' || !cannotBeDecoded(outcome.error)) throw outcome.error;
    skipped.push({ index, name: task.names[i]!, reason: outcome.error.message });
  }
  const { images, shape, indices } = collate(examples, nameOf);
  const floats = task.range !== null && images instanceof Uint8Array ? toFloats(images, task.range) : images;
  return { images: floats as TaskResult['images'], shape, indices, skipped };
}
