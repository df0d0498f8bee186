import { escapeHtml, tableToHtml, type Table } from './table.ts';

/** A part of a report. Pictures are put into the page, so that the file stands alone. */
export type Section =
  { kind: 'heading'; text: string } | { kind: 'text'; text: string } | { kind: 'table'; table: Table } | Figure;

/** A part that is a file of its own, too: named after its table, and by its `name` where it is not the only one. */
export type Figure =
  | { kind: 'plot'; svg: string; caption: string; name?: string }
  | { kind: 'picture'; png: Uint8Array; caption: string; name?: string };

const style = `
  :root { color-scheme: light dark; --line: #8884; --quiet: #8889; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 3rem auto; padding: 0 1.5rem; }
  h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
  table { border-collapse: collapse; margin: 1.5rem 0; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
  caption, figcaption { text-align: left; color: GrayText; font-size: 0.85rem; padding: 0.4rem 0; }
  th, td { padding: 0.3rem 0.9rem 0.3rem 0; border-bottom: 1px solid var(--line); text-align: left; }
  td.number { text-align: right; }
  figure { margin: 1.5rem 0; } figure img, figure svg { max-width: 100%; height: auto; background: white; }
  figure img { image-rendering: pixelated; }
`;

/** A report as one self-contained HTML file. */
export function reportPage(title: string, sections: readonly Section[]): string {
  const heading = escapeHtml(title);
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${heading}</title>` +
    `<meta name="viewport" content="width=device-width"><style>${style}</style></head>\n` +
    `<body><h1>${heading}</h1>\n${sections.map(sectionToHtml).join('\n')}\n</body></html>\n`
  );
}

function sectionToHtml(section: Section): string {
  switch (section.kind) {
    case 'heading':
      return `<h2>${escapeHtml(section.text)}</h2>`;
    case 'text':
      return `<p>${escapeHtml(section.text)}</p>`;
    case 'table':
      return tableToHtml(section.table);
    case 'plot':
      return figure(section.svg, section.caption);
    case 'picture': {
      const data = Buffer.from(section.png).toString('base64');
      return figure(`<img alt="${escapeHtml(section.caption)}" src="data:image/png;base64,${data}">`, section.caption);
    }
  }
}

function figure(content: string, caption: string): string {
  return `<figure>${content}<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}
