/** A table of results: what is printed, written as CSV and shown in a report. */
export interface Table {
  caption: string;
  columns: readonly string[];
  /** One array per row, as long as `columns`; null where there is no value. */
  rows: readonly (readonly Cell[])[];
}

export type Cell = string | number | null;

/** A number with four significant digits, or as many as an integer has. */
export function formatCell(cell: Cell): string {
  if (cell === null) return '–';
  if (typeof cell === 'string') return cell;
  if (Number.isInteger(cell)) return cell.toLocaleString('en');
  return Math.abs(cell) >= 1e-3 && Math.abs(cell) < 1e6 ? String(Number(cell.toPrecision(4))) : cell.toExponential(3);
}

/** The table as aligned text for a terminal. */
export function tableToText({ caption, columns, rows }: Table): string {
  const cells = [columns, ...rows.map((row) => row.map(formatCell))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const numeric = columns.map((_, column) => rows.every((row) => typeof row[column] !== 'string'));
  const lines = cells.map((row) =>
    row
      .map((text, column) => (numeric[column] ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
  return `${caption}\n\n${lines[0]}\n${widths.map((width) => '─'.repeat(width)).join('  ')}\n${lines.slice(1).join('\n')}\n`;
}

/** The table as CSV (RFC 4180) with full precision. */
export function tableToCsv({ columns, rows }: Table): string {
  const field = (cell: Cell) => {
    const text = cell === null ? '' : String(cell);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => `${row.map(field).join(',')}\n`).join('');
}

/** The table for a Markdown page, its caption below. */
export function tableToMarkdown({ caption, columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const lines = [line(columns), line(columns.map(() => '---')), ...rows.map((row) => line(row.map(formatCell)))];
  return `${lines.join('\n')}\n\n${caption}\n`;
}

/** The table as HTML. */
export function tableToHtml({ caption, columns, rows }: Table): string {
  const head = columns.map((column) => `<th>${escapeHtml(column)}</th>`).join('');
  const body = rows.map((row) => {
    const cells = row.map(
      (cell) => `<td${typeof cell === 'string' ? '' : ' class="number"'}>${escapeHtml(formatCell(cell))}</td>`,
    );
    return `<tr>${cells.join('')}</tr>`;
  });
  const title = `<caption>${escapeHtml(caption)}</caption>`;
  return `<table>${title}<thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.codePointAt(0)!};`);
}
