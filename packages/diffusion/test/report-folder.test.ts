import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ReportFolder, type Reported } from '../src/reports/folder.ts';
import { gridPng } from '../src/reports/picture.ts';

const folder = mkdtempSync(join(tmpdir(), 'missing-u-report-'));
afterAll(() => rmSync(folder, { recursive: true }));

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"></svg>';
const reported = (title: string, figures: Reported['figures']): Reported => ({
  title,
  table: { caption: `of ${title}`, columns: ['a', 'b'], rows: [['x', 0.5]] },
  figures,
  data: [{ a: 1 }],
});
const open = () => new ReportFolder(folder, { title: 'All', order: ['eta', 'eta2', 'table1'] });

it('holds the tables of all calls, and of each its latest figures only', async () => {
  const png = await gridPng({ data: new Float32Array(4 * 4).fill(0.5), shape: [1, 4, 4, 1] });
  const picture = { kind: 'picture', png, caption: 'digits', name: 'samples' } as const;
  open().add('table1', reported('Table 1', [{ kind: 'plot', svg, caption: 'a plot' }, picture]), 'Monday.');
  expect(readdirSync(folder).sort()).toEqual([
    ...['report.html', 'table1-samples.png', 'table1.csv', 'table1.json', 'table1.md', 'table1.png', 'table1.svg'],
    'tables.json',
  ]);
  writeFileSync(join(folder, 'eta2.png'), 'of another table');
  const plots = ['one', 'two'].map((name) => ({ kind: 'plot', svg, caption: name, name }) as const);
  open().add('eta', reported('Eta', plots), 'Tuesday.');
  open().add('eta', reported('Eta', plots.slice(0, 1)), 'Wednesday.');
  expect(readdirSync(folder).filter((name) => name.startsWith('eta'))).toEqual([
    ...['eta-one.png', 'eta-one.svg', 'eta.csv', 'eta.json', 'eta.md', 'eta2.png'],
  ]);
  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  const order = ['Eta', 'Wednesday.', 'of Eta', 'Table 1', 'Monday.', 'a plot', 'data:image/png;base64'];
  const places = order.map((text) => page.indexOf(text));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places[0]).toBeGreaterThan(0);
  expect(page).not.toContain('Tuesday.');
});
