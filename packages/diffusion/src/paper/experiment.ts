import type { Section } from '../reports/page.ts';
import type { Table } from '../reports/table.ts';

/** What an experiment of the paper gives when it is repeated. */
export interface ExperimentResult {
  readonly title: string;
  /** For terminals and CSV. */
  readonly table: Table;
  /** For the report, after the table. */
  readonly figures: readonly Section[];
  /** Everything measured, as JSON. */
  readonly data: unknown;
}
