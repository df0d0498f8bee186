import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { writeAtomically } from './files.ts';

/** One line of `metrics.jsonl`. */
export interface LoggedStep {
  step: number;
  loss: number;
  gradNorm?: number;
  learningRate?: number;
}

/** The file `metrics.jsonl`: one JSON object per optimiser step, in order, without gaps or repeats. */
export class MetricsLog {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  append(entry: LoggedStep): void {
    appendFileSync(this.#path, `${JSON.stringify(entry)}\n`);
  }

  /** The steps logged so far; a last line cut off by a crash is dropped. */
  read(): LoggedStep[] {
    if (!existsSync(this.#path)) return [];
    return readFileSync(this.#path, 'utf8')
      .split('\n')
      .flatMap((line) => {
        try {
          return line === '' ? [] : [JSON.parse(line) as LoggedStep];
        } catch {
          return [];
        }
      });
  }

  /** Drops the steps after `step`, which a run that goes on from a checkpoint will make again. */
  rewindTo(step: number): void {
    const kept = this.read().filter((entry) => entry.step <= step);
    writeAtomically(this.#path, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  }
}
