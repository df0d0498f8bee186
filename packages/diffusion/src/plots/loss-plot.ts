import { createRequire } from 'node:module';
import * as Plot from '@observablehq/plot';
import { Resvg } from '@resvg/resvg-js';
import { parseHTML } from 'linkedom';
import type { LoggedStep } from '../runs/metrics-log.ts';

const require = createRequire(import.meta.url);
// Shipped with the plot, because a server often has no fonts at all.
const font = require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');

/** The loss over the steps as a PNG: single steps in grey, their running mean in colour, logarithmic. */
export function lossPlot(steps: readonly LoggedStep[], title: string): Buffer {
  const { document } = parseHTML('<html><body></body></html>');
  const x = { label: 'optimiser step' };
  const y = { type: 'log' as const, label: 'loss (mean squared error)', grid: true, tickFormat: '.3~f', ticks: 6 };
  const plot = Plot.plot({
    document: document,
    width: 720,
    height: 420,
    marginLeft: 60,
    marginTop: 40,
    style: { fontFamily: 'DejaVu Sans', fontSize: '12px' },
    x,
    y,
    marks: [
      Plot.line(steps, { x: 'step', y: 'loss', stroke: '#c8ccd4', strokeWidth: 1 }),
      Plot.line(runningMean(steps), { x: 'step', y: 'loss', stroke: '#2b6cb0', strokeWidth: 2 }),
      Plot.text([title], { frameAnchor: 'top', dy: -28, fontSize: 14 }),
    ],
  });
  plot.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const options = {
    background: 'white',
    font: { loadSystemFonts: false, fontFiles: [font], defaultFontFamily: 'DejaVu Sans' },
  };
  return new Resvg(plot.outerHTML, options).render().asPng();
}

/** The mean of each step and those before it, over a twentieth of the run. */
function runningMean(steps: readonly LoggedStep[]): LoggedStep[] {
  const width = Math.max(1, Math.round(steps.length / 20));
  let sum = 0;
  return steps.map(({ step, loss }, i) => {
    sum += loss - (i >= width ? steps[i - width]!.loss : 0);
    return { step, loss: sum / Math.min(i + 1, width) };
  });
}
