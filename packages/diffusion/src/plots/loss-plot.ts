import * as Plot from '@observablehq/plot';
import type { LoggedStep } from '../runs/metrics-log.ts';
import { figure, palette, svgToPng } from './figure.ts';

/** The loss over the steps as a PNG: single steps in grey, their running geometric mean in colour, logarithmic. */
export function lossPlot(steps: readonly LoggedStep[], title: string): Buffer {
  const svg = figure({
    x: { label: 'optimiser step' },
    y: { type: 'log', label: 'loss (mean squared error)', grid: true, tickFormat: '.3~g', ticks: 6 },
    marks: [
      Plot.line(steps, { x: 'step', y: 'loss', stroke: '#c8ccd4', strokeWidth: 1 }),
      Plot.line(runningMean(steps), { x: 'step', y: 'loss', stroke: palette[0]!, strokeWidth: 2 }),
      Plot.text([title], { frameAnchor: 'top', dy: -28, fontSize: 14 }),
    ],
  });
  return svgToPng(svg);
}

/**
 * The geometric mean of each step and those before it, over a twentieth of the run: on a logarithmic axis a single step that went
 * astray then moves the curve no more than it should.
 */
function runningMean(steps: readonly LoggedStep[]): LoggedStep[] {
  const width = Math.max(1, Math.round(steps.length / 20));
  const logs = steps.map(({ loss }) => Math.log(Math.max(loss, Number.MIN_VALUE)));
  let sum = 0;
  return steps.map(({ step }, i) => {
    sum += logs[i]! - (i >= width ? logs[i - width]! : 0);
    return { step, loss: Math.exp(sum / Math.min(i + 1, width)) };
  });
}
