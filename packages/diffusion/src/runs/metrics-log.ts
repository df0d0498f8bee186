import { existsSync, readFileSync } from 'node:fs';
import { append, writeAtomically } from './files.ts';

/** One line of `metrics.jsonl`. */
export interface LoggedStep {
  step: number;
  loss: number;
  gradNorm?: number;
  learningRate?: number;
}

/** A log like `metrics.jsonl`: one JSON object a line, by rising step, without repeats. */
export class MetricsLog<Entry extends { step: number } = LoggedStep> {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  append(entry: Entry): void {
    append(this.#path, `${JSON.stringify(entry)}\n`);
  }

  /** The steps logged so far; a last line cut off by a crash is dropped. */
  read(): Entry[] {
    if (!existsSync(this.#path)) return [];
    return readFileSync(this.#path, 'utf8')
      .split('\n')
      .flatMap((line) => {
        try {
          return line === '' ? [] : [JSON.parse(line) as Entry];
        } catch {
          return [];
        }
      });
  }

  /** Drops the steps after `step`, which a run that goes on from a checkpoint will make again. */
  rewindTo(step: number): void {
    if (!existsSync(this.#path)) return;
    const kept = this.read().filter((entry) => entry.step <= step);
    writeAtomically(this.#path, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  }
}
