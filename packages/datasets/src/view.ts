import type { Example, Image } from './image.ts';
import type { Labels, Source } from './sources/source.ts';
import { runSteps, type Step } from './step.ts';

/** Which rows of a source make up a data set, in which order, and what is done to each. Views are never changed. */
export class View {
  readonly source: Source;
  readonly labels: Labels | undefined;
  /** Source rows in the order of the data set; undefined for all of them in their order. */
  readonly rows: Uint32Array | undefined;
  readonly steps: readonly Step[];
  /** The other data set, of the same length, after `zip`. */
  readonly paired: View | undefined;

  constructor(parts: {
    source: Source;
    labels?: Labels | undefined;
    rows?: Uint32Array | undefined;
    steps?: readonly Step[];
    paired?: View | undefined;
  }) {
    this.source = parts.source;
    this.labels = parts.labels;
    this.rows = parts.rows;
    this.steps = parts.steps ?? [];
    this.paired = parts.paired;
  }

  get length(): number {
    return this.rows?.length ?? this.source.length;
  }

  /** Whether there is work for threads that decode. */
  get needsDecoding(): boolean {
    return this.source.recipe !== undefined || this.paired?.needsDecoding === true;
  }

  /** The view with other steps, another partner, or both. */
  with(changes: { steps?: readonly Step[]; paired?: View }): View {
    return new View({ ...this, ...changes });
  }

  /** The view of the examples at these positions. */
  at(positions: Uint32Array): View {
    const paired = this.paired?.at(positions);
    return new View({ ...this, rows: this.rowsOf(positions), paired });
  }

  rowOf(index: number): number {
    return this.rows === undefined ? index : this.rows[index]!;
  }

  rowsOf(indices: Uint32Array): Uint32Array {
    const { rows } = this;
    return rows === undefined ? indices : indices.map((index) => rows[index]!);
  }

  nameOf(index: number): string {
    return this.source.nameOf(this.rowOf(index));
  }

  labelOf(index: number): number | Int32Array | undefined {
    if (this.labels === undefined) return undefined;
    const { data, width, names } = this.labels;
    const row = this.rowOf(index);
    return names === undefined && width === 1 ? data[row]! : data.slice(row * width, (row + 1) * width);
  }

  labelsOf(indices: Uint32Array): Int32Array | undefined {
    if (this.labels === undefined) return undefined;
    const { data, width } = this.labels;
    const out = new Int32Array(indices.length * width);
    indices.forEach((index, i) => {
      const row = this.rowOf(index);
      for (let k = 0; k < width; k++) out[i * width + k] = data[row * width + k]!;
    });
    return out;
  }

  /** The picture of an example where it lies in memory and no step changes it. */
  peek(index: number): Image | undefined {
    return this.steps.length === 0 ? this.source.peek?.(this.rowOf(index)) : undefined;
  }

  async load(index: number, epoch: number): Promise<Example> {
    const row = this.rowOf(index);
    const image = this.source.peek?.(row);
    const loaded = image === undefined ? await this.source.load(row, epoch) : { image };
    const label = this.labelOf(index);
    const paired = await this.paired?.load(index, epoch);
    const example = { ...(label !== undefined && { label }), ...loaded, index, ...(paired && { paired }) };
    return runSteps(this.steps, example, epoch);
  }

  /** Closes the sources. */
  async close(): Promise<void> {
    await this.source.close();
    await this.paired?.close();
  }
}
