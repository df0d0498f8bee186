import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { svgToPng } from '../plots/figure.ts';
import { makeFolder, writeAtomically } from '../runs/files.ts';
import { reportPage, type Figure, type Section } from './page.ts';
import { tableToCsv, tableToMarkdown, type Table } from './table.ts';

/** What is reported of one table. */
export interface Reported {
  readonly title: string;
  readonly table: Table;
  readonly figures: readonly Figure[];
  /** Everything measured, as JSON. */
  readonly data: unknown;
}

/** What the folder remembers of a table besides its files. */
interface Entry {
  title: string;
  /** When it was measured, and on what. */
  stamp: string;
  table: Table;
  figures: { kind: Figure['kind']; file: string; caption: string }[];
}

/**
 * A folder of tables: JSON, CSV, Markdown, SVG and PNG of each, and one page of all that it holds, whichever call measured them.
 * `tables.json` is what the page is made of.
 */
export class ReportFolder {
  readonly page: string;
  readonly #folder: string;
  readonly #title: string;
  readonly #order: readonly string[];

  /** @param order the names that tables can have, in the order of the page */
  constructor(folder: string, { title, order }: { title: string; order: readonly string[] }) {
    makeFolder(folder);
    this.page = join(folder, 'report.html');
    this.#folder = folder;
    this.#title = title;
    this.#order = order;
  }

  /** Writes a table's files in place of those that an earlier call has left, and the page anew. */
  add(name: string, { title, table, figures, data }: Reported, stamp: string): void {
    const write = (ending: string, content: string | Uint8Array) =>
      writeAtomically(join(this.#folder, `${name}${ending}`), content);
    write('.json', `${JSON.stringify(data, null, 2)}\n`);
    write('.csv', tableToCsv(table));
    write('.md', tableToMarkdown(table));
    this.#removeFigures(name);
    const entry: Entry = { title, stamp, table, figures: [] };
    for (const figure of figures) {
      const { kind, caption } = figure;
      const suffix = figure.name === undefined ? '' : `-${figure.name}`;
      if (figure.kind === 'plot') write(`${suffix}.svg`, figure.svg);
      write(`${suffix}.png`, figure.kind === 'plot' ? svgToPng(figure.svg) : figure.png);
      entry.figures.push({ kind, caption, file: `${name}${suffix}.${kind === 'plot' ? 'svg' : 'png'}` });
    }
    const entries = { ...this.#entries(), [name]: entry };
    writeAtomically(this.#contents, `${JSON.stringify(entries, null, 2)}\n`);
    writeAtomically(this.page, reportPage(this.#title, this.#sections(entries)));
  }

  get #contents(): string {
    return join(this.#folder, 'tables.json');
  }

  #entries(): Record<string, Entry> {
    return existsSync(this.#contents)
      ? (JSON.parse(readFileSync(this.#contents, 'utf8')) as Record<string, Entry>)
      : {};
  }

  /** Other data have other figures: what an earlier call has drawn would stand beside them. */
  #removeFigures(name: string): void {
    const own = (file: string) =>
      /\.(svg|png)$/.test(file) && (file.startsWith(`${name}.`) || file.startsWith(`${name}-`));
    for (const file of readdirSync(this.#folder).filter(own)) rmSync(join(this.#folder, file));
  }

  #sections(entries: Readonly<Record<string, Entry>>): Section[] {
    const known = this.#order.flatMap((name) => entries[name] ?? []);
    return known.flatMap(({ title, stamp, table, figures }): Section[] => [
      { kind: 'heading', text: title },
      { kind: 'text', text: stamp },
      { kind: 'table', table },
      ...figures.flatMap(({ kind, file, caption }): Section[] => {
        const path = join(this.#folder, file);
        if (!existsSync(path)) return [];
        return kind === 'plot'
          ? [{ kind, svg: readFileSync(path, 'utf8'), caption }]
          : [{ kind, png: readFileSync(path), caption }];
      }),
    ]);
  }
}
