import { createRequire } from 'node:module';
import * as Plot from '@observablehq/plot';
import { Resvg } from '@resvg/resvg-js';
import { parseHTML } from 'linkedom';

const require = createRequire(import.meta.url);
// Shipped with the plots, because a server often has no fonts at all.
const font = require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');

/** Colours that people with any colour vision tell apart (Okabe and Ito). */
export const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

/** A plot as SVG text, made by Observable Plot without a browser. */
export function figure(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<html><body></body></html>');
  const plot = Plot.plot({
    document,
    width: 720,
    height: 420,
    marginLeft: 60,
    marginTop: 40,
    style: { fontFamily: 'DejaVu Sans, sans-serif', fontSize: '12px' },
    ...options,
  });
  plot.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return plot.outerHTML;
}

/** The plot as a PNG on white. */
export function svgToPng(svg: string): Buffer {
  const fonts = { loadSystemFonts: false, fontFiles: [font], defaultFontFamily: 'DejaVu Sans' };
  return new Resvg(svg, { background: 'white', font: fonts }).render().asPng();
}
