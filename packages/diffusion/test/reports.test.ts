import { describe, expect, it } from 'vitest';
import type { ComparisonResult } from '../src/index.ts';
import { comparisonCsv, comparisonPage, comparisonTable, restorationTable } from '../src/reports/comparison.ts';
import { reportPage } from '../src/reports/page.ts';
import { tableToCsv, tableToHtml, tableToMarkdown, tableToText, type Table } from '../src/reports/table.ts';

const table: Table = {
  caption: 'two <networks>',
  columns: ['model', 'parameters', 'FID'],
  rows: [
    ['cunet, "small"', 2312345, 12.345678],
    ['unet', 9_190_000, null],
  ],
};

describe('tables', () => {
  it('print aligned, with numbers to the right', () => {
    expect(tableToText(table)).toBe(
      'two <networks>\n\n' +
        'model           parameters    FID\n' +
        '──────────────  ──────────  ─────\n' +
        'cunet, "small"   2,312,345  12.35\n' +
        'unet             9,190,000      –\n',
    );
  });

  it('keep all digits in CSV, and quote what needs it', () => {
    expect(tableToCsv(table)).toBe('model,parameters,FID\n"cunet, ""small""",2312345,12.345678\nunet,9190000,\n');
  });

  it('are tables in Markdown, the caption below', () => {
    expect(tableToMarkdown({ caption: 'a caption', columns: ['a|b', 'c'], rows: [['x', 0.123456]] })).toBe(
      '| a\\|b | c |\n| --- | --- |\n| x | 0.1235 |\n\na caption\n',
    );
  });

  it('escape their text in HTML', () => {
    expect(tableToHtml(table)).toContain('<caption>two &#60;networks&#62;</caption>');
    expect(tableToHtml(table)).toContain('<td class="number">12.35</td>');
  });
});

describe('reportPage', () => {
  it('is one file: pictures and plots are inside', () => {
    const page = reportPage('A & B', [
      { kind: 'heading', text: 'Samples' },
      { kind: 'text', text: '1 < 2' },
      { kind: 'table', table },
      { kind: 'plot', svg: '<svg></svg>', caption: 'plot' },
      { kind: 'picture', png: Uint8Array.of(1, 2, 3), caption: 'grid' },
    ]);
    expect(page).toContain('<title>A &#38; B</title>');
    expect(page).toContain('<p>1 &#60; 2</p>');
    expect(page).toContain('<figure><svg></svg><figcaption>plot</figcaption></figure>');
    expect(page).toContain('src="data:image/png;base64,AQID"');
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
  });
});

describe('comparisonPage', () => {
  const results: ComparisonResult[] = ['cunet', 'unet'].flatMap((model) =>
    [5, 10].map((steps) => ({
      model,
      sampler: 'ddim',
      steps,
      count: 4,
      values: { 'fid-mnist': 20 / steps },
      seconds: steps / 10,
      secondsPerStep: 0.1,
      samples: { data: new Float32Array(4 * 64).fill(0.5), shape: [4, 8, 8, 1] },
    })),
  );

  it('shows networks, measurements, a plot of each metric, and the samples of the best step counts', async () => {
    const page = await comparisonPage(
      'Two networks',
      [{ name: 'cunet', parameters: 2_312_345 }, { name: 'unet' }],
      results,
    );
    expect(page).toContain('2,312,345');
    expect(page.match(/<figure><svg/g)).toHaveLength(1);
    expect(page.match(/src="data:image\/png/g)).toHaveLength(2);
    expect(page).toContain('cunet, ddim, 10 steps');
  });

  const restored = [
    { model: 'cunet', steps: 5, from: 250, count: 4, rmse: 0.1, values: { 'fid-mnist': 3 } },
    { model: 'unet', steps: 5, from: 250, count: 4, rmse: 0.2, values: { 'fid-mnist': 4 } },
    { model: 'unet', steps: 10, from: 250, count: 4, rmse: 0.3, values: { 'fid-mnist': 1 } },
  ];

  it('places denoised images in the plane of perception and distortion, and says which others are better in both', async () => {
    expect(restorationTable(restored).rows).toEqual([
      ['cunet', 5, 0.1, 3, 'yes'],
      ['unet', 5, 0.2, 4, 'no'],
      ['unet', 10, 0.3, 1, 'yes'],
    ]);
    const page = await comparisonPage('Two networks', [{ name: 'cunet' }, { name: 'unet' }], results, restored);
    expect(page.match(/<figure><svg/g)).toHaveLength(2);
    expect(page).toContain('Perception against distortion');
  });

  it('puts everything into one CSV', () => {
    const facts = { name: 'cunet', parameters: 7, operations: 8, checkpointBytes: 2 ** 20 };
    const { columns, rows } = comparisonCsv([facts, { name: 'unet' }], results, restored);
    const added = ['parameters', 'operations', 'checkpoint MiB', 'distortion', 'fid-mnist of denoised'];
    expect(columns.slice(-5)).toEqual(added);
    expect(rows.map((row) => row.slice(-5))).toEqual([
      [7, 8, 1, 0.1, 3],
      [7, 8, 1, null, null],
      [null, null, null, 0.2, 4],
      [null, null, null, 0.3, 1],
    ]);
  });

  it('tabulates every measurement', () => {
    const { columns, rows } = comparisonTable(results);
    expect(columns).toEqual(['model', 'sampler', 'steps', 'fid-mnist', 's / step', 's / image', 's']);
    expect(rows[1]).toEqual(['cunet', 'ddim', 10, 2, 0.1, 0.25, 1]);
  });
});
